// The kernels alone, on arrays that the second cache holds: what a compiler's flags are judged by.

#include <benchmark/benchmark.h>

#include <cstdint>
#include <string>
#include <vector>

#include "kernels/table.h"

namespace {

using namespace glueball::kernels;

constexpr Index rows = 64;
constexpr Index columns = 256;
constexpr Index count = rows * columns;

// Between -2 and 2, none of them 0, and no two neighbours alike.
template <class T>
std::vector<T> numbers(T scale = 2) {
  std::vector<T> values(count);
  for (Index i = 0; i < count; ++i) {
    values[static_cast<std::size_t>(i)] =
        scale * (static_cast<T>(i * 7919 % 1021) - T{510.5}) / T{511};
  }
  return values;
}

template <class Call>
void add(const std::string& name, Call call) {
  benchmark::RegisterBenchmark(name.c_str(), [call](benchmark::State& state) mutable {
    for (auto _ : state) {
      call();
      benchmark::ClobberMemory();
    }
  });
}

template <class T>
void add_all(const std::string& type) {
  const Table<T>& kernel = table<T>();
  const std::vector<T> x = numbers<T>();
  const std::vector<T> y(count);
  for (int code = code_relu; code <= code_mish; ++code) {
    add("forward" + std::to_string(code) + type, [=, out = y]() mutable {
      kernel.activation_forward(ActivationCode(code), 0.5, x.data(), out.data(), count);
    });
    add("backward" + std::to_string(code) + type, [=, out = y]() mutable {
      kernel.activation_backward(ActivationCode(code), 0.5, x.data(), x.data(), x.data(),
                                 out.data(), count);
    });
  }
  for (int code = 0; code < rule_count; ++code) {
    const std::vector<T> positive(count, T(0.5));
    add("update" + std::to_string(code) + type, [=, weight = x, one = positive, two = positive,
                                                 three = positive]() mutable {
      T* const states[] = {one.data(), two.data(), three.data()};
      const UpdateArguments arguments{1e-9, 1e-9, 1, 0, {0.9, 0.9, 0.9, 0.9, 0.9, 0.9}, 9, 1, 1, 1};
      kernel.rules[code].update(weight.data(), x.data(), states, count, arguments);
    });
  }
  for (const Index groups : {Index(0), Index(1)}) {
    const NormView view{rows, columns, 1, groups};
    const std::vector<T> ones(columns, T(1));
    const std::string name = groups == 0 ? "batch" : "layer";
    const std::vector<double> wide(columns, 1.0);
    add(name + "_moments" + type, [=, mean = wide, variance = wide]() mutable {
      kernel.norm_moments(x.data(), view, 0, groups == 0 ? columns : rows, mean.data(),
                          variance.data());
    });
    add(name + "_norm" + type, [=, out = y]() mutable {
      kernel.norm_forward(x.data(), view, 0, rows, {ones.data(), ones.data(), ones.data()},
                          ones.data(), ones.data(), out.data());
    });
    add(name + "_norm_back" + type, [=, out = y]() mutable {
      kernel.norm_backward(x.data(), x.data(), view, 0, rows,
                           {ones.data(), ones.data(), ones.data()}, ones.data(), ones.data(),
                           ones.data(), out.data());
    });
  }
  const std::vector<std::int64_t> labels(rows, 3);
  add("softmax_loss" + type, [=, out = y, loss = std::vector<T>(rows)]() mutable {
    kernel.softmax_cross_entropy(x.data(), labels.data(), out.data(), loss.data(), rows, columns);
  });
  add("l2_loss" + type, [=, out = y, loss = std::vector<T>(rows)]() mutable {
    kernel.l2_loss(x.data(), x.data(), out.data(), loss.data(), rows, columns, 1.0);
  });
  add("uniform" + type,
      [=, out = y]() mutable { kernel.uniform(1, 2, 0, count, out.data(), -1.0, 1.0, false); });
  add("normal" + type,
      [=, out = y]() mutable { kernel.normal(1, 2, 0, count, out.data(), 0.0, 1.0, false); });
  add("truncated" + type, [=, out = y]() mutable {
    kernel.truncated_normal(1, 2, 0, count, out.data(), 0.0, 1.0, -2.0, 2.0, false);
  });
  add("column_sums" + type,
      [=, out = y]() mutable { kernel.column_sums(x.data(), rows, columns, out.data(), false); });
  const std::vector<T> square(static_cast<std::size_t>(columns * columns), T(0.01));
  add("pack" + type, [=, out = square]() mutable {
    kernel.pack_panels(square.data(), 1, columns, columns, columns, *kernel.panel * columns,
                       out.data());
  });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  add_all<float>("/f32");
  add_all<double>("/f64");
  benchmark::RunSpecifiedBenchmarks();
}
