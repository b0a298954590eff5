// Measures what no program can exceed here: multiply-adds, bytes read and bytes written a second.
//
//   glueball_limits THREADS SECONDS      prints one line of JSON
//
// Compiled for the machine it runs on; each figure is the best of many short stretches, since a
// figure that others' work lowers is not a limit.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <thread>
#include <vector>

namespace {

#if defined(__AVX512F__)
constexpr std::size_t vector_bytes = 64;
#elif defined(__AVX__)
constexpr std::size_t vector_bytes = 32;
#else
constexpr std::size_t vector_bytes = 16;
#endif
using Vector [[gnu::vector_size(vector_bytes)]] = float;
constexpr std::size_t lanes = vector_bytes / sizeof(float);

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Keeps the compiler from dropping or foreseeing a value; costs no instruction.
#if defined(__x86_64__)
void touch(Vector& value) { asm volatile("" : "+x"(value)); }
#else
void touch(Vector& value) { asm volatile("" : "+w"(value)); }
#endif

// Twelve sums that don't depend on each other hide the latency of a multiply-add on every
// processor of today, and fit in sixteen registers with both factors.
double multiply_adds(std::ptrdiff_t repeats) {
  constexpr int sums = 12;
  Vector sum[sums] = {};
  Vector a = Vector{} + 0.999F;
  Vector b = Vector{} + 1e-3F;
  touch(a);
  touch(b);
  for (std::ptrdiff_t i = 0; i < repeats; ++i) {
#pragma GCC unroll 12
    for (Vector& each : sum) each = each * a + b;
#pragma GCC unroll 12
    for (Vector& each : sum) touch(each);
  }
  return 2.0 * sums * lanes * static_cast<double>(repeats);
}

// Larger than caches, and aligned for vectors.
struct Block {
  static constexpr std::size_t count = (std::size_t{128} << 20) / sizeof(Vector);
  Block() : data(static_cast<Vector*>(std::aligned_alloc(64, count * sizeof(Vector)))) {
    if (data == nullptr) throw std::bad_alloc();
    std::fill_n(data, count, Vector{});
  }
  ~Block() { std::free(data); }
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  Vector* data;
};

double read(const Block& block) {
  Vector sum[4] = {};
  for (std::size_t i = 0; i < Block::count; i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sum[k] += block.data[i + k];
  }
  for (Vector& each : sum) touch(each);
  return static_cast<double>(Block::count * sizeof(Vector));
}

double write(const Block& block, float value) {
  const Vector filling = Vector{} + value;
  for (std::size_t i = 0; i < Block::count; ++i) {
#if defined(__clang__)
    __builtin_nontemporal_store(filling, block.data + i);
#elif defined(__AVX512F__)
    __builtin_ia32_movntps512(reinterpret_cast<float*>(block.data + i), filling);
#elif defined(__AVX__)
    __builtin_ia32_movntps256(reinterpret_cast<float*>(block.data + i), filling);
#elif defined(__SSE__)
    __builtin_ia32_movntps(reinterpret_cast<float*>(block.data + i), filling);
#else
    block.data[i] = filling;
#endif
  }
  asm volatile("" : : "r"(block.data) : "memory");
  return static_cast<double>(Block::count * sizeof(Vector));
}

// The best rate of one stretch of work on each thread at once; `work` returns how much it did.
template <class Work>
double best_rate(int threads, double seconds, Work work) {
  double best = 0;
  const Clock::time_point start = Clock::now();
  do {
    std::vector<double> done(static_cast<std::size_t>(threads));
    std::vector<double> taken(done.size());
    std::vector<std::thread> team;
    for (std::size_t i = 0; i < done.size(); ++i) {
      team.emplace_back([&, i] {
        const Clock::time_point begin = Clock::now();
        done[i] = work(i);
        taken[i] = seconds_since(begin);
      });
    }
    for (std::thread& each : team) each.join();
    double rate = 0;
    for (std::size_t i = 0; i < done.size(); ++i) rate += done[i] / taken[i];
    best = std::max(best, rate);
  } while (seconds_since(start) < seconds);
  return best;
}

}  // namespace

int main(int argc, char** argv) {
  const int threads = argc == 3 ? std::atoi(argv[1]) : 0;
  const double seconds = argc == 3 ? std::atof(argv[2]) : -1;
  if (threads < 1 || seconds < 0) {
    std::fprintf(stderr, "expected THREADS and SECONDS, found other arguments; see limits.cpp\n");
    return 2;
  }
  std::vector<std::unique_ptr<Block>> blocks;
  for (int i = 0; i < threads; ++i) blocks.push_back(std::make_unique<Block>());

  // A million rounds are some milliseconds: long against a thread's start, short against drift.
  const double flops =
      best_rate(threads, seconds, [](std::size_t) { return multiply_adds(1000000); });
  const double reads = best_rate(threads, seconds, [&](std::size_t i) { return read(*blocks[i]); });
  const double writes =
      best_rate(threads, seconds, [&](std::size_t i) { return write(*blocks[i], 1.0F); });
  std::printf("{\"flops\": %.4g, \"read\": %.4g, \"write\": %.4g}\n", flops, reads, writes);
  return 0;
}
