// The practical limit: one life at a time, fused, by hand, every size known to the compiler.
// Usage: native_limit LIVES UPDATES; prints the line that `benchmarks.__main__` reads. Built by `benchmarks.native`.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "native_work.h"

namespace {

struct Cart {
  float position, velocity, angle, angular_velocity;
  int age;
};

// Row kWindow holds what the next window will begin with.
struct alignas(64) Window {
  float observation[kWindow + 1][kObservations];
  float first[kWindow + 1][kHidden], second[kWindow + 1][kHidden];
  float output[kWindow + 1][kOutputs];
  int action[kWindow];
  bool ended[kWindow];
};

// The same approximation as evolearn/brain.py.
inline float tanh_of(float x) {
  x = x > 7.6f ? 7.6f : (x < -7.6f ? -7.6f : x);
  const float s = x * x;
  const float above = 9.999999822e-01f + s * (1.346297630e-01f + s * (3.594074070e-03f + s * (2.229368076e-05f + s * 1.586441586e-08f)));
  const float below = 1.0f + s * (4.679630193e-01f + s * (2.624851090e-02f + s * (3.449179891e-04f + s * 8.763015157e-07f)));
  return x * above / below;
}

template <int Inputs>
inline void dense_tanh(const float (&weights)[Inputs][kHidden], const float* bias, const float* source, float* target) {
  alignas(64) float sum[kHidden];
  for (int j = 0; j < kHidden; j++) sum[j] = bias[j];
  for (int i = 0; i < Inputs; i++)
    for (int j = 0; j < kHidden; j++) sum[j] += source[i] * weights[i][j];
  for (int j = 0; j < kHidden; j++) target[j] = tanh_of(sum[j]);
}

inline void think(const Brain& brain, Window& window, int row) {
  dense_tanh(brain.first, brain.first_bias, window.observation[row], window.first[row]);
  dense_tanh(brain.second, brain.second_bias, window.first[row], window.second[row]);
  for (int k = 0; k < kOutputs; k++) {
    float sum = brain.head_bias[k];
    for (int j = 0; j < kHidden; j++) sum += window.second[row][j] * brain.head[k][j];
    window.output[row][k] = sum;
  }
}

inline void begin(Cart& cart, Random& random) {
  cart.position = 0.1f * random.uniform() - 0.05f;
  cart.velocity = 0.1f * random.uniform() - 0.05f;
  cart.angle = 0.1f * random.uniform() - 0.05f;
  cart.angular_velocity = 0.1f * random.uniform() - 0.05f;
  cart.age = 0;
}

inline void observe(const Cart& cart, float* observation) {
  observation[0] = cart.position;
  observation[1] = cart.velocity;
  observation[2] = cart.angle;
  observation[3] = cart.angular_velocity;
}

// Returns whether the episode is over. Florian 2007, eqs. 23 and 24, without friction.
inline bool step(Cart& cart, int action) {
  const float force = action ? 10.0f : -10.0f;
  const float cosine = std::cos(cart.angle), sine = std::sin(cart.angle);
  const float thrust = (force + 0.05f * cart.angular_velocity * cart.angular_velocity * sine) / 1.1f;
  const float pole = (9.8f * sine - cosine * thrust) / (0.5f * (4.0f / 3.0f - 0.1f * cosine * cosine / 1.1f));
  const float acceleration = thrust - 0.05f * pole * cosine / 1.1f;
  cart.position += 0.02f * cart.velocity;
  cart.velocity += 0.02f * acceleration;
  cart.angle += 0.02f * cart.angular_velocity;
  cart.angular_velocity += 0.02f * pole;
  cart.age++;
  return std::fabs(cart.position) > 2.4f || std::fabs(cart.angle) > 0.20943951f || cart.age >= 500;
}

inline float probability_of_second(const float* output) { return 1.0f / (1.0f + std::exp(output[0] - output[1])); }

// Adds the gradient of the actor-critic loss over a window.
inline void backward(const Brain& brain, const Window& window, const float* advantage, Brain& gradient) {
  alignas(64) float slope2[kHidden], slope1[kHidden];
  for (int row = 0; row < kWindow; row++) {
    const float p1 = probability_of_second(window.output[row]), p0 = 1.0f - p1;
    const float log0 = std::log(p0 + 1e-9f), log1 = std::log(p1 + 1e-9f), mean_log = p0 * log0 + p1 * log1;
    const float taken1 = window.action[row], taken0 = 1.0f - taken1;
    const float delta[kOutputs] = {
        (advantage[row] * (p0 - taken0) + kBonus * p0 * (log0 - mean_log)) / kWindow,
        (advantage[row] * (p1 - taken1) + kBonus * p1 * (log1 - mean_log)) / kWindow,
        -advantage[row] / kWindow,
    };
    for (int j = 0; j < kHidden; j++) slope2[j] = 0.0f;
    for (int k = 0; k < kOutputs; k++) {
      gradient.head_bias[k] += delta[k];
      for (int j = 0; j < kHidden; j++) {
        gradient.head[k][j] += delta[k] * window.second[row][j];
        slope2[j] += delta[k] * brain.head[k][j];
      }
    }
    for (int j = 0; j < kHidden; j++) {
      slope2[j] *= 1.0f - window.second[row][j] * window.second[row][j];
      gradient.second_bias[j] += slope2[j];
    }
    for (int i = 0; i < kHidden; i++) {
      const float active = window.first[row][i];
      float sum = 0.0f;
      for (int j = 0; j < kHidden; j++) {
        sum += brain.second[i][j] * slope2[j];
        gradient.second[i][j] += active * slope2[j];
      }
      slope1[i] = sum * (1.0f - active * active);
    }
    for (int j = 0; j < kHidden; j++) gradient.first_bias[j] += slope1[j];
    for (int i = 0; i < kObservations; i++)
      for (int j = 0; j < kHidden; j++) gradient.first[i][j] += window.observation[row][i] * slope1[j];
  }
}

// Kingma and Ba 2015, algorithm 1.
inline void adam(float* weights, const float* gradient, float* first, float* second, int update) {
  const float size = kRate / (1.0f - std::pow(kFirstDecay, update));
  const float correction = 1.0f / (1.0f - std::pow(kSecondDecay, update));
  for (int i = 0; i < kWeights; i++) {
    first[i] = kFirstDecay * first[i] + (1.0f - kFirstDecay) * gradient[i];
    second[i] = kSecondDecay * second[i] + (1.0f - kSecondDecay) * gradient[i] * gradient[i];
    weights[i] -= size * first[i] / (std::sqrt(second[i] * correction) + kEpsilon);
  }
}

// Returns how many episodes the life had, so that nothing is optimised away.
int live(int number, int updates) {
  Random random{number * 7919ull + 12345ull};
  for (int i = 0; i < 20; i++) random.uniform();
  Brain brain{}, first{}, second{};
  draw(brain, random);
  Window window;
  Cart cart;
  begin(cart, random);
  int episodes = 0;
  for (int update = 1; update <= updates; update++) {
    for (int row = 0; row < kWindow; row++) {
      observe(cart, window.observation[row]);
      think(brain, window, row);
      window.action[row] = random.uniform() < probability_of_second(window.output[row]);
      window.ended[row] = step(cart, window.action[row]);
      if (window.ended[row]) {
        begin(cart, random);
        episodes++;
      }
    }
    observe(cart, window.observation[kWindow]);
    think(brain, window, kWindow);
    float advantage[kWindow], next = 0.0f;  // Schulman et al. 2016, eq. 16
    for (int row = kWindow - 1; row >= 0; row--) {
      const float goes_on = window.ended[row] ? 0.0f : 1.0f;
      const float error = 1.0f + kDiscount * goes_on * window.output[row + 1][kChoices] - window.output[row][kChoices];
      advantage[row] = next = error + kDiscount * kLambda * goes_on * next;
    }
    Brain gradient{};
    backward(brain, window, advantage, gradient);
    adam(&brain.first[0][0], &gradient.first[0][0], &first.first[0][0], &second.first[0][0], update);
  }
  return episodes;
}

}  // namespace

int main(int, char** arguments) {
  const int lives = std::atoi(arguments[1]), updates = std::atoi(arguments[2]);
  long episodes = 0;
  const auto start = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic, 4) reduction(+ : episodes)
  for (int life = 0; life < lives; life++) episodes += live(life, updates);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"steps\": %ld, \"seconds\": %.6f, \"episodes\": %ld}\n", 1L * lives * updates * kWindow, seconds, episodes);
}
