#include "glueball/random.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "core/dispatch.h"
#include "glueball/error.h"
#include "glueball/parallel.h"

namespace {

using glueball::Dtype;
using glueball::Generator;
using glueball::Tensor;
using glueball::kernels::Index;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double pi = 3.14159265358979323846;

template <class T>
const glueball::kernels::Table<T>& table_of(const glueball::kernels::KernelSet& set) {
  if constexpr (std::is_same_v<T, float>) {
    return set.f32;
  } else {
    return set.f64;
  }
}

struct Draw {
  std::string name;
  std::function<void(Generator&, const Tensor&)> run;
};

// One of each kind, and each way that the truncated normal takes.
const std::vector<Draw>& draws() {
  static const std::vector<Draw> all = {
      {"uniform", [](Generator& g, const Tensor& t) { g.uniform(t, -0.07, 0.07); }},
      {"normal", [](Generator& g, const Tensor& t) { g.normal(t, 0.5, 0.1); }},
      {"two sigma", [](Generator& g, const Tensor& t) { g.truncated_normal(t, 0, 2, -4, 4); }},
      {"cuts around", [](Generator& g, const Tensor& t) { g.truncated_normal(t, 1, 1, 0.5, 4); }},
      {"half", [](Generator& g, const Tensor& t) { g.truncated_normal(t, 0, 1, 0, infinity); }},
      {"tail", [](Generator& g, const Tensor& t) { g.truncated_normal(t, 0, 1, 8, 9); }},
      {"far tail",
       [](Generator& g, const Tensor& t) { g.truncated_normal(t, 0, 1, -infinity, -50); }},
  };
  return all;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.dtype() == b.dtype() && a.size() == b.size() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

// Kolmogorov and Smirnov's distance of a sample from a distribution function, times sqrt(n).
double distance(const Tensor& sample, const std::function<double(double)>& cdf) {
  std::vector<double> x(sample.data<double>(), sample.data<double>() + sample.size());
  std::sort(x.begin(), x.end());
  const auto n = static_cast<double>(x.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double value = cdf(x[i]);
    largest = std::max(
        {largest, value - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - value});
  }
  return largest * std::sqrt(n);
}

// Exceeded by one sample in a thousand; the seeds are fixed, so a passing test goes on passing.
constexpr double ks_limit = 1.95;

// ln of the normal's upper tail: erfc where it has digits, else the tail's asymptotic series.
double log_tail(double x) {
  if (x < 30.0) return std::log(0.5 * std::erfc(x / std::sqrt(2.0)));
  const double r = 1.0 / (x * x);
  return -0.5 * x * x - std::log(x * std::sqrt(2.0 * pi)) +
         std::log(1.0 - r * (1.0 - 3.0 * r * (1.0 - 5.0 * r * (1.0 - 7.0 * r))));
}

// Distribution function of the unit normal cut at a and b, for 0 <= a.
double upper_cdf(double x, double a, double b) {
  const double of_x = std::exp(log_tail(x) - log_tail(a));
  const double of_b = b == infinity ? 0.0 : std::exp(log_tail(b) - log_tail(a));
  return (1.0 - of_x) / (1.0 - of_b);
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

}  // namespace

TEST_CASE("Philox gives the published words") {
  using Counter = std::array<std::uint32_t, 4>;
  constexpr std::uint32_t ones = 0xFFFFFFFF;

  CHECK(glueball::philox4x32_10({0, 0, 0, 0}, {0, 0}) ==
        Counter{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(glueball::philox4x32_10({ones, ones, ones, ones}, {ones, ones}) ==
        Counter{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(glueball::philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
                                {0xa4093822, 0x299f31d0}) ==
        Counter{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("element i is word (i % 64) / 16 of block 16 (i / 64) + i % 16") {
  const std::uint64_t seed = 0x0123456789ABCDEF;
  const std::uint64_t stream = 0xFEDCBA9876543210;
  for (const std::uint64_t begin : {std::uint64_t{0}, std::uint64_t{37}, std::uint64_t{1} << 40,
                                    (std::uint64_t{1} << 34) - 100}) {
    CAPTURE(begin);
    std::vector<std::uint32_t> words(333);
    Generator generator(seed, stream);
    generator.seek(begin);
    generator.words(words.data(), static_cast<std::int64_t>(words.size()));

    CHECK(generator.position() == begin + words.size());
    bool equal = true;
    for (std::size_t k = 0; k < words.size(); ++k) {
      const std::uint64_t i = begin + k;
      const std::uint64_t block = 16 * (i / 64) + i % 16;
      const auto expected = glueball::philox4x32_10(
          {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32),
           static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)},
          {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
      equal = equal && words[k] == expected[i % 64 / 16];
    }
    CHECK(equal);
  }
}

// The table's fills, as calls of one form.
template <class T>
using Fill = std::function<void(const glueball::kernels::Table<T>&, std::uint64_t begin,
                                Index count, T* out, bool streaming)>;

template <class T>
std::vector<Fill<T>> fills() {
  const auto uniform = [](double low, double high) {
    return [=](const auto& table, std::uint64_t begin, Index count, T* out, bool streaming) {
      table.uniform(7, 8, begin, count, out, low, high, streaming);
    };
  };
  const auto truncated = [](double mean, double low, double high) {
    return [=](const auto& table, std::uint64_t begin, Index count, T* out, bool streaming) {
      table.truncated_normal(7, 8, begin, count, out, mean, 1, low, high, streaming);
    };
  };
  const auto normal = [](const auto& table, std::uint64_t begin, Index count, T* out,
                         bool streaming) {
    table.normal(7, 8, begin, count, out, 0.5, 0.1, streaming);
  };
  // Uniform has three ways: limits that hold by themselves, limits that do not, and a width that
  // cannot be divided by 2^24.
  return {
      uniform(-0.5, 0.5),  uniform(0.1, 0.3),    uniform(0, 1e-40),  normal,
      truncated(0, -2, 2), truncated(1, 0.5, 4), truncated(0, 8, 9), truncated(0, -infinity, -50)};
}

TEST_CASE_TEMPLATE("the same bits from every instruction set", T, float, double) {
  const auto sets = glueball::kernels::runnable();
  REQUIRE(!sets.empty());
  constexpr Index count = 5000;
  for (const Fill<T>& fill : fills<T>()) {
    for (const std::uint64_t begin : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{12345},
                                      (std::uint64_t{1} << 34) - 2000}) {
      CAPTURE(begin);
      std::vector<T> first(count);
      fill(table_of<T>(*sets.front()), begin, count, first.data(), false);
      for (const auto* set : sets) {
        CAPTURE(set->name);
        std::vector<T> others(count);
        fill(table_of<T>(*set), begin, count, others.data(), false);
        CHECK(std::memcmp(others.data(), first.data(), count * sizeof(T)) == 0);
      }
    }
  }
}

TEST_CASE_TEMPLATE("any length from any begin to any address, streamed or not", T, float, double) {
  constexpr Index whole_count = 1000;
  for (const auto* set : glueball::kernels::runnable()) {
    CAPTURE(set->name);
    for (const Fill<T>& fill : fills<T>()) {
      std::vector<T> whole(whole_count);
      fill(table_of<T>(*set), 0, whole_count, whole.data(), false);
      for (Index count = 0; count <= 200; ++count) {
        const Index begin = count * 37 % 131;
        const Index offset = count % 17;
        alignas(64) T out[256];
        std::fill(std::begin(out), std::end(out), T(-9));
        fill(table_of<T>(*set), static_cast<std::uint64_t>(begin), count, out + offset,
             count % 2 == 1);
        const bool equal = std::memcmp(out + offset, whole.data() + begin,
                                       static_cast<std::size_t>(count) * sizeof(T)) == 0;
        const bool untouched =
            std::all_of(out, out + offset, [](T x) { return x == T(-9); }) &&
            std::all_of(out + offset + count, std::end(out), [](T x) { return x == T(-9); });
        CAPTURE(count);
        CHECK(equal);
        CHECK(untouched);
      }
      // Long enough for the widest vectors' whole batches, at an address that may be streamed to.
      alignas(64) T out[whole_count];
      for (const bool streaming : {false, true}) {
        fill(table_of<T>(*set), 0, whole_count, out, streaming);
        CHECK(std::memcmp(out, whole.data(), sizeof out) == 0);
      }
    }
  }
}

TEST_CASE("threads that draw from one generator get every element once") {
  glueball::Generator rng(7, 3);
  std::vector<std::vector<std::uint32_t>> drawn(8);
  std::vector<std::thread> threads;
  for (auto& words : drawn) {
    threads.emplace_back([&words, &rng] {
      for (int i = 0; i < 50; ++i) {
        words.resize(words.size() + 64);
        rng.words(words.data() + words.size() - 64, 64);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::vector<std::uint32_t> all;
  for (const auto& words : drawn) all.insert(all.end(), words.begin(), words.end());
  std::vector<std::uint32_t> expected(all.size());
  glueball::Generator(7, 3).words(expected.data(), static_cast<std::int64_t>(expected.size()));

  CHECK(rng.position() == expected.size());
  std::sort(all.begin(), all.end());
  std::sort(expected.begin(), expected.end());
  CHECK(all == expected);
}

TEST_CASE("the same bits on any number of threads") {
  const int before = glueball::num_threads();
  for (const Draw& draw : draws()) {
    CAPTURE(draw.name);
    const Tensor expected({3 * 65536 + 17});
    glueball::set_num_threads(1);
    Generator one(3, 4);
    draw.run(one, expected);
    for (const int threads : {2, 7}) {
      glueball::set_num_threads(threads);
      const Tensor out({3 * 65536 + 17});
      Generator several(3, 4);
      draw.run(several, out);
      CHECK(same_bits(out, expected));
    }
  }
  glueball::set_num_threads(before);
}

TEST_CASE("the same bits whole and in pieces of any size") {
  for (const Draw& draw : draws()) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      CAPTURE(draw.name);
      const Tensor whole({1000}, dtype);
      Generator generator(11, 12);
      draw.run(generator, whole);
      CHECK(generator.position() == 1000);

      const Tensor pieces({1000}, dtype);
      Generator again(11, 12);
      std::int64_t done = 0;
      for (std::int64_t size = 1; done < 1000; size = size * 3 + 1) {
        const std::int64_t taken = std::min<std::int64_t>(size, 1000 - done);
        auto* data = static_cast<char*>(pieces.raw()) +
                     static_cast<std::size_t>(done) * glueball::size_of(dtype);
        draw.run(again, Tensor::borrow(data, {taken}, dtype));
        done += taken;
      }
      CHECK(same_bits(pieces, whole));
    }
  }
}

TEST_CASE("seeds, streams and positions give other numbers") {
  std::set<std::uint32_t> first;
  for (std::uint64_t seed : {0ULL, 1ULL, 1ULL << 32}) {
    for (std::uint64_t stream : {0ULL, 1ULL, 1ULL << 32}) {
      Generator generator(seed, stream);
      std::uint32_t word = 0;
      generator.words(&word, 1);
      first.insert(word);
    }
  }
  CHECK(first.size() == 9);
}

TEST_CASE("float64 gets the same variates as float32") {
  for (const Draw& draw : draws()) {
    CAPTURE(draw.name);
    const Tensor single({1000}, Dtype::float32);
    const Tensor twice({1000}, Dtype::float64);
    Generator a(5);
    Generator b(5);
    draw.run(a, single);
    draw.run(b, twice);
    double largest = 0.0;
    for (int i = 0; i < 1000; ++i) {
      const double x = twice.data<double>()[i];
      largest = std::max(largest, std::abs(x - static_cast<double>(single.data<float>()[i])) /
                                      std::max(1.0, std::abs(x)));
    }
    CHECK(largest <= 1.2e-7);  // an ulp of float32
  }
}

TEST_CASE("uniform is (word >> 8) / 2^24, scaled") {
  constexpr int count = 777;
  std::vector<std::uint32_t> words(count);
  Generator(1, 2).words(words.data(), count);
  const Tensor unit({count});
  const Tensor scaled({count});
  Generator(1, 2).uniform(unit, 0.0, 1.0);
  Generator(1, 2).uniform(scaled, -0.5, 1.5);

  bool equal = true;
  for (int i = 0; i < count; ++i) {
    const float u = static_cast<float>(words[static_cast<std::size_t>(i)] >> 8) / 16777216.0f;
    equal = equal && unit.data<float>()[i] == u && scaled.data<float>()[i] == -0.5f + 2.0f * u;
  }
  CHECK(equal);
}

TEST_CASE("uniform stays in [low, high), as the numbers that were given and not as rounded ones") {
  const double above_one = std::nextafter(1.0f, 2.0f);
  const std::vector<std::pair<double, double>> limits = {
      {0.0, 1.0},  {-0.07, 0.07}, {1.0, above_one}, {1.0, 1.0 + 3e-7},        {0.1, 0.3},
      {-3.0, 0.0}, {0.0, 1e-44},  {-1e-44, 0.0},    {16777216.0, 16777218.0}, {1e30, 2e30},
      {-0.3, -0.1}};
  for (const auto& [low, high] : limits) {
    const auto& shown_low = low;  // Clang 14 captures no structured binding.
    CAPTURE(shown_low);
    const auto& shown_high = high;  // Clang 14 captures no structured binding.
    CAPTURE(shown_high);
    const Tensor single({100000}, Dtype::float32);
    const Tensor twice({100000}, Dtype::float64);
    Generator(1).uniform(single, low, high);
    Generator(1).uniform(twice, low, high);
    double smallest = infinity;
    double largest = -infinity;
    for (int i = 0; i < 100000; ++i) {
      for (const double x :
           {static_cast<double>(single.data<float>()[i]), twice.data<double>()[i]}) {
        smallest = std::min(smallest, x);
        largest = std::max(largest, x);
      }
    }
    CHECK(smallest >= low);
    CHECK(largest < high);
  }
}

TEST_CASE("uniform between equal limits is that number") {
  const Tensor out({100});
  Generator(1).uniform(out, 0.25, 0.25);
  for (int i = 0; i < 100; ++i) REQUIRE(out.data<float>()[i] == 0.25f);
}

TEST_CASE("normal is Box and Muller's transform, to a few units in the last place") {
  constexpr int count = 64 * 4000;
  std::vector<std::uint32_t> words(count);
  Generator(9).words(words.data(), count);
  const Tensor out({count});
  Generator(9).normal(out, 0.0, 1.0);

  double worst = 0.0;
  for (int chunk = 0; chunk < count; chunk += 64) {
    for (const int pair : {0, 32}) {
      for (int lane = 0; lane < 16; ++lane) {
        const int i = chunk + pair + lane;
        const auto a = words[static_cast<std::size_t>(i)];
        const auto b = words[static_cast<std::size_t>(i + 16)];
        const float u = (static_cast<float>(a >> 1) + 0.5f) / 2147483648.0f;
        const double radius = std::sqrt(-2.0 * std::log(static_cast<double>(u)));
        const double angle = 2.0 * pi * static_cast<double>(b) / 4294967296.0;
        const double x = radius * std::cos(angle);
        const double y = radius * std::sin(angle);
        // Relative, but for numbers so close to 0 that the angle's own rounding shows.
        worst = std::max({worst,
                          std::abs(static_cast<double>(out.data<float>()[i]) - x) /
                              std::max(std::abs(x), 1e-3 * radius),
                          std::abs(static_cast<double>(out.data<float>()[i + 16]) - y) /
                              std::max(std::abs(y), 1e-3 * radius)});
      }
    }
  }
  CHECK(worst < 4e-7);
}

TEST_CASE("normals have the normal's distribution, tails included") {
  constexpr int count = 1 << 20;
  const Tensor out({count}, Dtype::float64);
  Generator(2024).normal(out, 0.0, 1.0);
  CHECK(distance(out, normal_cdf) < ks_limit);

  double sum = 0.0;
  double squares = 0.0;
  double fourths = 0.0;
  int beyond_four = 0;
  for (int i = 0; i < count; ++i) {
    const double z = out.data<double>()[i];
    sum += z;
    squares += z * z;
    fourths += z * z * z * z;
    if (std::abs(z) > 4.0) ++beyond_four;
  }
  // Five standard errors of each: the variances of z, z^2 and z^4 are 1, 2 and 96.
  CHECK(std::abs(sum / count) < 5.0 / std::sqrt(count));
  CHECK(std::abs(squares / count - 1.0) < 5.0 * std::sqrt(2.0 / count));
  CHECK(std::abs(fourths / count - 3.0) < 5.0 * std::sqrt(96.0 / count));
  const double expected = count * std::erfc(4.0 / std::sqrt(2.0));
  CHECK(std::abs(beyond_four - expected) < 5.0 * std::sqrt(expected));
}

TEST_CASE("the two halves of a Box-Muller pair do not hang together") {
  constexpr int count = 1 << 18;
  const Tensor out({count}, Dtype::float64);
  Generator(77).normal(out, 0.0, 1.0);
  double product = 0.0;
  double of_squares = 0.0;
  for (int chunk = 0; chunk < count; chunk += 64) {
    for (int i = chunk; i < chunk + 16; ++i) {
      const double x = out.data<double>()[i];
      const double y = out.data<double>()[i + 16];
      product += x * y;
      of_squares += (x * x - 1.0) * (y * y - 1.0);
    }
  }
  const double pairs = count / 4;
  CHECK(std::abs(product / pairs) < 5.0 / std::sqrt(pairs));
  CHECK(std::abs(of_squares / pairs) < 5.0 * 2.0 / std::sqrt(pairs));
}

TEST_CASE("a normal cut at two sigmas has that distribution and stays inside") {
  const Tensor out({200000}, Dtype::float64);
  Generator(5).truncated_normal(out, 1.0, 0.5, 0.0, 2.0);
  const double below = normal_cdf(-2.0);
  CHECK(distance(out, [&](double x) {
          return (normal_cdf((x - 1.0) / 0.5) - below) / (1.0 - 2.0 * below);
        }) < ks_limit);
  const auto [smallest, largest] =
      std::minmax_element(out.data<double>(), out.data<double>() + out.size());
  CHECK(*smallest > 0.0);
  CHECK(*largest < 2.0);
}

TEST_CASE("any cuts give the cut normal's distribution, and nothing outside") {
  struct Cut {
    double low, high;
  };
  for (const Cut cut :
       {Cut{0, infinity}, Cut{0, 1}, Cut{0.5, 4}, Cut{3, 3.5}, Cut{4.5, 5.5}, Cut{4.9, infinity},
        Cut{5.1, infinity}, Cut{6, 6.01}, Cut{10, 11}, Cut{25, infinity}, Cut{36, 37},
        Cut{38, infinity}, Cut{60, infinity}, Cut{60, 60.01}, Cut{1000, infinity}}) {
    for (const bool mirrored : {false, true}) {
      CAPTURE(cut.low);
      CAPTURE(cut.high);
      CAPTURE(mirrored);
      const double low = mirrored ? -cut.high : cut.low;
      const double high = mirrored ? -cut.low : cut.high;
      // The unit variates are float32; a mean that cancels most of z would leave too few digits.
      const Tensor out({50000}, Dtype::float64);
      Generator(31).truncated_normal(out, 0.0, 1.0, low, high);

      bool inside = true;
      for (int i = 0; i < 50000; ++i) {
        const double x = out.data<double>()[i];
        inside = inside && x >= low && x <= high;
      }
      CHECK(inside);
      // At 1000 sigmas the whole tail is a few hundred numbers of float32: no continuous
      // distribution.
      if (cut.low >= 1000) continue;
      const auto cdf = [&](double x) {
        return mirrored ? 1.0 - upper_cdf(-x, cut.low, cut.high) : upper_cdf(x, cut.low, cut.high);
      };
      CHECK(distance(out, cdf) < ks_limit);
    }
  }
}

TEST_CASE("cuts on both sides, and cuts that cut nothing") {
  for (const auto& [low, high] :
       {std::pair{-1.0, 3.0}, std::pair{-3.0, 0.5}, std::pair{-100.0, 100.0},
        std::pair{-infinity, infinity}, std::pair{-0.001, 0.001}, std::pair{-2.5, 2.5},
        std::pair{-0.1, infinity}}) {
    const auto& shown_low = low;  // Clang 14 captures no structured binding.
    CAPTURE(shown_low);
    const auto& shown_high = high;  // Clang 14 captures no structured binding.
    CAPTURE(shown_high);
    const Tensor out({100000}, Dtype::float64);
    Generator(8).truncated_normal(out, 0.0, 1.0, low, high);
    const double below = normal_cdf(low);
    const double inside = normal_cdf(high) - below;
    CHECK(distance(out, [&](double x) { return (normal_cdf(x) - below) / inside; }) < ks_limit);
  }
}

TEST_CASE("so far out that only the cut is left") {
  const Tensor out({100});
  Generator(1).truncated_normal(out, 0.0, 1e-9, 1.0, 2.0);
  for (int i = 0; i < 100; ++i) REQUIRE(out.data<float>()[i] == 1.0f);
}

TEST_CASE("sigma 0 gives the mean, inside the cuts, and moves the position all the same") {
  const Tensor out({10});
  Generator generator(1);
  generator.truncated_normal(out, 5.0, 0.0, -1.0, 2.0);
  CHECK(out.data<float>()[3] == 2.0f);
  generator.normal(out, 5.0, 0.0);
  CHECK(out.data<float>()[3] == 5.0f);
  CHECK(generator.position() == 20);
}

TEST_CASE("empty arrays are left alone") {
  const Tensor out({0, 4});
  Generator generator(1);
  for (const Draw& draw : draws()) draw.run(generator, out);
  generator.words(nullptr, 0);
  CHECK(generator.position() == 0);
}

TEST_CASE("settings that make no sense are refused, with what was found") {
  const Tensor out({4});
  Generator generator(1);
  CHECK_THROWS_WITH_AS(
      generator.uniform(out, 1.0, 0.0),
      "expected finite limits with low <= high, and a width that float32 can hold, "
      "found low=1, high=0; draws are from [low, high)",
      glueball::ArgumentError);
  CHECK_THROWS_AS(generator.uniform(out, 0.0, infinity), glueball::ArgumentError);
  CHECK_THROWS_AS(generator.uniform(out, std::nan(""), 1.0), glueball::ArgumentError);
  CHECK_THROWS_AS(generator.uniform(out, -3e38, 3e38), glueball::ArgumentError);
  CHECK_THROWS_WITH_AS(generator.normal(out, 0.0, -0.5),
                       "expected a standard deviation sigma that is finite and not negative, found "
                       "-0.5; sigma is the standard deviation, not the variance",
                       glueball::ArgumentError);
  CHECK_THROWS_AS(generator.normal(out, 0.0, std::nan("")), glueball::ArgumentError);
  CHECK_THROWS_AS(generator.normal(out, infinity, 1.0), glueball::ArgumentError);
  CHECK_THROWS_WITH_AS(generator.truncated_normal(out, 0.0, 1.0, 2.0, 2.0),
                       "expected cuts with low < high, as values, found low=2, high=2; swap them, "
                       "or use a normal without cuts",
                       glueball::ArgumentError);
  CHECK_THROWS_AS(generator.truncated_normal(out, 0.0, 1.0, std::nan(""), 2.0),
                  glueball::ArgumentError);
  CHECK(generator.position() == 0);
}

TEST_CASE("every path and every call has a stream of its own") {
  std::set<std::uint64_t> streams;
  for (int layer = 0; layer < 2000; ++layer) {
    for (const char* name : {".weight", ".bias"}) {
      for (std::uint64_t call = 0; call < 5; ++call) {
        streams.insert(glueball::parameter_stream(std::to_string(layer) + name, call));
      }
    }
  }
  CHECK(streams.size() == 2000 * 2 * 5);
}

TEST_CASE("streams are SplitMix64 outputs from an FNV-1a hash") {
  // FNV-1a of "a" is published: af63dc4c8601ec8c. Undo the mixing's additions by hand.
  std::uint64_t z = 0xAF63DC4C8601EC8C + 3 * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  CHECK(glueball::parameter_stream("a", 2) == (z ^ (z >> 31)));
}
