// What both C++ programs share of the work in `benchmarks/work.py`: sizes, a brain, chance, and how a brain is born.

#pragma once

#include <cmath>
#include <cstdint>

namespace {

constexpr int kObservations = 4, kHidden = 32, kChoices = 2, kOutputs = kChoices + 1, kWindow = 16;
constexpr float kRate = 1e-3f, kDiscount = 0.99f, kLambda = 0.95f, kBonus = 0.01f;
constexpr float kFirstDecay = 0.9f, kSecondDecay = 0.999f, kEpsilon = 1e-5f;

// Every matrix of the brain, or of a gradient, or of one of Adam's moments.
struct alignas(64) Brain {
  float first[kObservations][kHidden], first_bias[kHidden];
  float second[kHidden][kHidden], second_bias[kHidden];
  float head[kOutputs][kHidden], head_bias[kOutputs];
};
constexpr int kWeights = (kObservations + 1 + kHidden + 1 + kOutputs) * kHidden + kOutputs;

// xorshift64: Marsaglia 2003. Cheaper than the Philox of the project, and good enough for a yardstick.
struct Random {
  std::uint64_t state;
  float uniform() {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((state >> 40) + 0.5f) * (1.0f / 16777216.0f);
  }
};

template <int Rows>
inline void draw(float (&weights)[Rows][kHidden], float stdev, Random& random) {
  for (auto& row : weights)
    for (float& weight : row) weight = (random.uniform() - 0.5f) * std::sqrt(12.0f) * stdev;
}

// As newborns of the project: 1 / sqrt(inputs), a hundredth of it for logits, no biases.
inline void draw(Brain& brain, Random& random) {
  draw(brain.first, 1.0f / std::sqrt(static_cast<float>(kObservations)), random);
  draw(brain.second, 1.0f / std::sqrt(static_cast<float>(kHidden)), random);
  draw(brain.head, 1.0f / std::sqrt(static_cast<float>(kHidden)), random);
  for (int k = 0; k < kChoices; k++)
    for (float& weight : brain.head[k]) weight *= 0.01f;
}

}  // namespace
