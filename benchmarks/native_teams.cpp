// The limit with lives side by side: a team of lives on one thread, phase by phase, products over a whole window.
// Usage: native_teams LIVES UPDATES; prints the line that `benchmarks.__main__` reads. Built by `benchmarks.native`.
//
// Every life's arithmetic is its own; in a team the processor works on one life while another waits for a result.
// Vectors are the compiler's own, as wide as the processor's.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "native_work.h"

namespace {

constexpr int kTeam = 4;  // as many brains as the nearest cache holds beside their windows

#ifdef __AVX512F__
constexpr int kLanes = 16, kRows = 8;  // kRows x 2 sums of a product stay in registers
#else
constexpr int kLanes = 8, kRows = 4;
#endif
typedef float Vector __attribute__((vector_size(4 * kLanes), may_alias));
typedef int Picks __attribute__((vector_size(4 * kLanes)));
constexpr int kVectors = kHidden / kLanes, kPair = 2 * kLanes;
static_assert(kHidden % kPair == 0 && kWindow % kRows == 0);

inline Vector& at(float* place) { return *reinterpret_cast<Vector*>(place); }
inline const Vector& at(const float* place) { return *reinterpret_cast<const Vector*>(place); }

// Row kWindow holds what the next window will begin with.
struct alignas(64) Window {
  float first[kWindow + 1][kHidden], second[kWindow + 1][kHidden];
  float observation[kWindow + 1][kObservations];
  float output[kOutputs][kWindow + 1];
  float action[kWindow], goes_on[kWindow];
};

struct Life {
  Brain brain{}, first_moment{}, second_moment{};
  Window window;
  Random random;
};

struct Carts {
  float position[kTeam], velocity[kTeam], angle[kTeam], angular_velocity[kTeam];
  int age[kTeam];
};

template <int Lanes = kLanes>
inline float sum_of(const Vector& lanes) {
  if constexpr (Lanes == 1) {
    return lanes[0];
  } else {
    typedef float Half __attribute__((vector_size(2 * Lanes), may_alias));
    const Half* halves = reinterpret_cast<const Half*>(&lanes);
    Vector sum;
    *reinterpret_cast<Half*>(&sum) = halves[0] + halves[1];
    return sum_of<Lanes / 2>(sum);
  }
}

// The same approximation as evolearn/brain.py.
inline Vector tanh_of(Vector x) {
  x = x > 7.6f ? Vector{} + 7.6f : x;
  x = x < -7.6f ? Vector{} - 7.6f : x;
  const Vector s = x * x;
  const Vector above = 9.999999822e-01f + s * (1.346297630e-01f + s * (3.594074070e-03f + s * (2.229368076e-05f + s * 1.586441586e-08f)));
  const Vector below = 1.0f + s * (4.679630193e-01f + s * (2.624851090e-02f + s * (3.449179891e-04f + s * 8.763015157e-07f)));
  return x * above / below;
}

template <int Inputs>
inline void dense_tanh(const float (&weights)[Inputs][kHidden], const float* bias, const float* source, float* target) {
  Vector sum[2][kVectors] = {};  // of even and of odd inputs: two chains, since a sum waits for the one before it
  for (int q = 0; q < kVectors; q++) sum[0][q] = at(bias + q * kLanes);
#pragma GCC unroll 64
  for (int i = 0; i < Inputs; i++)
    for (int q = 0; q < kVectors; q++) sum[i % 2][q] += source[i] * at(weights[i] + q * kLanes);
  for (int q = 0; q < kVectors; q++) at(target + q * kLanes) = tanh_of(sum[0][q] + sum[1][q]);
}

void think(Life (&team)[kTeam], int row) {
  for (Life& life : team)
    dense_tanh(life.brain.first, life.brain.first_bias, life.window.observation[row], life.window.first[row]);
  for (Life& life : team)
    dense_tanh(life.brain.second, life.brain.second_bias, life.window.first[row], life.window.second[row]);
  for (Life& life : team)
    for (int k = 0; k < kOutputs; k++) {
      Vector sum = {};
      for (int j = 0; j < kHidden; j += kLanes) sum += at(life.window.second[row] + j) * at(life.brain.head[k] + j);
      life.window.output[k][row] = sum_of(sum) + life.brain.head_bias[k];
    }
}

inline void begin(Carts& carts, int k, Random& random) {
  carts.position[k] = 0.1f * random.uniform() - 0.05f;
  carts.velocity[k] = 0.1f * random.uniform() - 0.05f;
  carts.angle[k] = 0.1f * random.uniform() - 0.05f;
  carts.angular_velocity[k] = 0.1f * random.uniform() - 0.05f;
  carts.age[k] = 0;
}

inline void observe(const Carts& carts, Life (&team)[kTeam], int row) {
  for (int k = 0; k < kTeam; k++) {
    float* observation = team[k].window.observation[row];
    observation[0] = carts.position[k];
    observation[1] = carts.velocity[k];
    observation[2] = carts.angle[k];
    observation[3] = carts.angular_velocity[k];
  }
}

// Florian 2007, eqs. 23 and 24, without friction.
inline void step(Carts& carts, const float* action, int* over) {
#pragma omp simd
  for (int k = 0; k < kTeam; k++) {
    const float force = 20.0f * action[k] - 10.0f, spin = carts.angular_velocity[k];
    const float cosine = std::cos(carts.angle[k]), sine = std::sin(carts.angle[k]);
    const float thrust = (force + 0.05f * spin * spin * sine) / 1.1f;
    const float pole = (9.8f * sine - cosine * thrust) / (0.5f * (4.0f / 3.0f - 0.1f * cosine * cosine / 1.1f));
    const float acceleration = thrust - 0.05f * pole * cosine / 1.1f;
    carts.position[k] += 0.02f * carts.velocity[k];
    carts.velocity[k] += 0.02f * acceleration;
    carts.angle[k] += 0.02f * spin;
    carts.angular_velocity[k] += 0.02f * pole;
    carts.age[k]++;
    over[k] = (std::fabs(carts.position[k]) > 2.4f) | (std::fabs(carts.angle[k]) > 0.20943951f) | (carts.age[k] >= 500);
  }
}

// Returns how many episodes ended.
int act(Life (&team)[kTeam], Carts& carts, int row) {
  float margin[kTeam], draw[kTeam], action[kTeam];
  int over[kTeam], ended = 0;
  for (int k = 0; k < kTeam; k++) {
    margin[k] = team[k].window.output[0][row] - team[k].window.output[1][row];
    draw[k] = team[k].random.uniform();
  }
#pragma omp simd
  for (int k = 0; k < kTeam; k++) action[k] = draw[k] * (1.0f + std::exp(margin[k])) < 1.0f;
  step(carts, action, over);
  for (int k = 0; k < kTeam; k++) {
    team[k].window.action[row] = action[k];
    team[k].window.goes_on[row] = !over[k];
    if (over[k]) begin(carts, k, team[k].random);
    ended += over[k];
  }
  return ended;
}

// Slopes of the actor-critic loss by the outputs, of all rows at once.
inline void slopes_of_outputs(const Window& window, float (&delta)[kOutputs][kWindow]) {
  float advantage[kWindow], next = 0.0f;  // Schulman et al. 2016, eq. 16
  for (int row = kWindow - 1; row >= 0; row--) {
    const float goes_on = window.goes_on[row];
    const float error = 1.0f + kDiscount * goes_on * window.output[kChoices][row + 1] - window.output[kChoices][row];
    advantage[row] = next = error + kDiscount * kLambda * goes_on * next;
  }
#pragma omp simd
  for (int row = 0; row < kWindow; row++) {
    const float p1 = 1.0f / (1.0f + std::exp(window.output[0][row] - window.output[1][row])), p0 = 1.0f - p1;
    const float log0 = std::log(p0 + 1e-9f), log1 = std::log(p1 + 1e-9f), mean_log = p0 * log0 + p1 * log1;
    const float taken1 = window.action[row], taken0 = 1.0f - taken1;
    delta[0][row] = (advantage[row] * (p0 - taken0) + kBonus * p0 * (log0 - mean_log)) / kWindow;
    delta[1][row] = (advantage[row] * (p1 - taken1) + kBonus * p1 * (log1 - mean_log)) / kWindow;
    delta[2][row] = -advantage[row] / kWindow;
  }
}

// Part of a product that stays in registers: sum[i][c] += left(r, i) * right[r][.. columns of c ..] over all r.
template <int Length, int Rows, typename Left>
inline void multiply(const Left& left, const float* right, Vector (&sum)[Rows][2]) {
#pragma GCC unroll 2
  for (int r = 0; r < Length; r++)
#pragma GCC unroll 8
    for (int i = 0; i < Rows; i++)
      for (int c = 0; c < 2; c++) sum[i][c] += left(r, i) * at(right + r * kHidden + c * kLanes);
}

// Transposes a block of kLanes x kLanes by perfect shuffles of its rows, as of cards.
inline void flip(const float* source, float* target) {
  Picks low, high;
  for (int lane = 0; lane < kLanes; lane++) {
    low[lane] = lane / 2 + lane % 2 * kLanes;
    high[lane] = low[lane] + kLanes / 2;
  }
  Vector rows[kLanes], shuffled[kLanes];
  for (int i = 0; i < kLanes; i++) rows[i] = at(source + i * kHidden);
#pragma GCC unroll 4
  for (int done = 1; done < kLanes; done *= 2) {
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; i++) {
      shuffled[2 * i] = __builtin_shuffle(rows[i], rows[i + kLanes / 2], low);
      shuffled[2 * i + 1] = __builtin_shuffle(rows[i], rows[i + kLanes / 2], high);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; i++) rows[i] = shuffled[i];
  }
  for (int i = 0; i < kLanes; i++) at(target + i * kHidden) = rows[i];
}

// The gradient of the actor-critic loss over a window.
inline void backward(const Brain& brain, const Window& window, Brain& gradient) {
  alignas(64) float delta[kOutputs][kWindow];
  alignas(64) float slope1[kWindow][kHidden], slope2[kWindow][kHidden], flipped[kHidden][kHidden];
  slopes_of_outputs(window, delta);
  for (int k = 0; k < kOutputs; k++) {
    gradient.head_bias[k] = 0.0f;
    for (int row = 0; row < kWindow; row++) gradient.head_bias[k] += delta[k][row];
  }
  for (int j = 0; j < kHidden; j += kLanes) {
    Vector head[kOutputs] = {}, bias = {};
#pragma GCC unroll 4
    for (int row = 0; row < kWindow; row++) {
      const Vector active = at(window.second[row] + j);
      Vector slope = {};
      for (int k = 0; k < kOutputs; k++) {
        head[k] += delta[k][row] * active;
        slope += delta[k][row] * at(brain.head[k] + j);
      }
      slope *= 1.0f - active * active;
      bias += slope;
      at(slope2[row] + j) = slope;
    }
    for (int k = 0; k < kOutputs; k++) at(gradient.head[k] + j) = head[k];
    at(gradient.second_bias + j) = bias;
  }
  for (int i = 0; i < kHidden; i += kLanes)
    for (int j = 0; j < kHidden; j += kLanes) flip(&brain.second[i][j], &flipped[j][i]);
  for (int i = 0; i < kHidden; i += kPair)
    for (int row = 0; row < kWindow; row += kRows) {
      Vector sum[kRows][2] = {};
      multiply<kHidden>([&](int j, int r) { return slope2[row + r][j]; }, &flipped[0][i], sum);
      for (int r = 0; r < kRows; r++)
        for (int c = 0; c < 2; c++) {
          const Vector active = at(window.first[row + r] + i + c * kLanes);
          at(slope1[row + r] + i + c * kLanes) = sum[r][c] * (1.0f - active * active);
        }
    }
  for (int j = 0; j < kHidden; j += kPair)
    for (int first = 0; first < kHidden; first += kRows) {
      Vector sum[kRows][2] = {};
      multiply<kWindow>([&](int row, int i) { return window.first[row][first + i]; }, &slope2[0][j], sum);
      for (int i = 0; i < kRows; i++)
        for (int c = 0; c < 2; c++) at(gradient.second[first + i] + j + c * kLanes) = sum[i][c];
    }
  for (int j = 0; j < kHidden; j += kPair) {
    Vector sum[kObservations][2] = {}, bias[1][2] = {};
    multiply<kWindow>([&](int row, int i) { return window.observation[row][i]; }, &slope1[0][j], sum);
    multiply<kWindow>([](int, int) { return 1.0f; }, &slope1[0][j], bias);
    for (int c = 0; c < 2; c++) {
      for (int i = 0; i < kObservations; i++) at(gradient.first[i] + j + c * kLanes) = sum[i][c];
      at(gradient.first_bias + j + c * kLanes) = bias[0][c];
    }
  }
}

// Kingma and Ba 2015, algorithm 1.
inline void adam(Life& life, const Brain& slopes, int update) {
  const float size = kRate / (1.0f - std::pow(kFirstDecay, static_cast<float>(update)));
  const float correction = 1.0f / (1.0f - std::pow(kSecondDecay, static_cast<float>(update)));
  float* weights = &life.brain.first[0][0];
  float* first = &life.first_moment.first[0][0];
  float* second = &life.second_moment.first[0][0];
  const float* gradient = &slopes.first[0][0];
#pragma omp simd
  for (int i = 0; i < kWeights; i++) {
    first[i] = kFirstDecay * first[i] + (1.0f - kFirstDecay) * gradient[i];
    second[i] = kSecondDecay * second[i] + (1.0f - kSecondDecay) * gradient[i] * gradient[i];
    weights[i] -= size * first[i] / (std::sqrt(second[i] * correction) + kEpsilon);
  }
}

// Returns how many episodes a team had from life `number` on, so that nothing is optimised away.
int live(int number, int updates) {
  Life team[kTeam];
  Carts carts;
  Brain gradient;
  int episodes = 0;
  for (int k = 0; k < kTeam; k++) {
    Random& random = team[k].random;
    random.state = (number + k) * 7919ull + 12345ull;
    for (int i = 0; i < 20; i++) random.uniform();
    draw(team[k].brain, random);
    begin(carts, k, random);
  }
  for (int update = 1; update <= updates; update++) {
    for (int row = 0; row < kWindow; row++) {
      observe(carts, team, row);
      think(team, row);
      episodes += act(team, carts, row);
    }
    observe(carts, team, kWindow);
    think(team, kWindow);
    for (Life& life : team) {
      backward(life.brain, life.window, gradient);
      adam(life, gradient, update);
    }
  }
  return episodes;
}

}  // namespace

int main(int, char** arguments) {
  const int lives = std::atoi(arguments[1]), updates = std::atoi(arguments[2]);
  long episodes = 0;
  const auto start = std::chrono::steady_clock::now();
#pragma omp parallel for schedule(dynamic) reduction(+ : episodes)
  for (int life = 0; life < lives; life += kTeam) episodes += live(life, updates);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::printf("{\"steps\": %ld, \"seconds\": %.6f, \"episodes\": %ld}\n", 1L * lives * updates * kWindow, seconds, episodes);
}
