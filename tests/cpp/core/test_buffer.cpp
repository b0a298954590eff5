#include "glueball/buffer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "glueball/tensor.h"

namespace glueball {
namespace {

TEST_CASE("a block too large to be kept is zero every time") {
  const std::int64_t count = (std::int64_t{1} << 24) + 100;  // over 64 MiB
  for (int i = 0; i < 2; ++i) {
    const Tensor tensor({count});
    CHECK(reinterpret_cast<std::uintptr_t>(tensor.raw()) % 64 == 0);
    const float* data = tensor.data<float>();
    CHECK(std::all_of(data, data + count, [](float x) { return x == 0.0f; }));
    tensor.fill(1.5);
    CHECK(std::all_of(data, data + count, [](float x) { return x == 1.5f; }));
  }
}

TEST_CASE("zeros are zero again after a block was used and given back") {
  for (int round = 0; round < 3; ++round) {
    const Tensor tensor({100});

    CHECK(tensor.data<float>()[0] == 0.0F);
    CHECK(tensor.data<float>()[99] == 0.0F);
    tensor.fill(7.0);
  }
}

TEST_CASE("the block counts its references") {
  Tensor first({8});
  CHECK(first.buffer()->use_count() == 1);
  {
    const Tensor second = first;  // NOLINT: counted
    CHECK(first.buffer()->use_count() == 2);
    const Tensor view = first.reshaped({2, 4});
    CHECK(view.buffer() == first.buffer());
    CHECK(first.buffer()->use_count() == 3);
  }
  CHECK(first.buffer()->use_count() == 1);

  const Tensor moved = std::move(first);
  CHECK(moved.buffer()->use_count() == 1);
}

TEST_CASE("lent memory is given back once, when the last view goes") {
  std::array<float, 2> memory{};
  int released = 0;
  {
    const Tensor view = Tensor::lend(memory.data(), {2}, Dtype::float32, &released,
                                     [](void* owner) { ++*static_cast<int*>(owner); });
    {
      const Tensor other = view.reshaped({1, 2});
      CHECK(other.raw() == memory.data());
    }
    CHECK(released == 0);
  }
  CHECK(released == 1);
}

TEST_CASE("blocks of all sizes, lent ones among them, never overlap when they are used again") {
  std::vector<std::int64_t> sizes;
  for (std::int64_t size = 0; size < 400; ++size) sizes.push_back(size);
  for (std::int64_t size = 400; size < 200'000; size += size / 7) sizes.push_back(size);
  float lent = 0.0F;

  for (int round = 0; round < 3; ++round) {
    std::vector<Tensor> tensors;
    for (const std::int64_t size : sizes) {
      tensors.push_back(Tensor::lend(&lent, {1}, Dtype::float32, &lent, [](void*) {}));
      tensors.push_back(Tensor::uninitialized({size}));
      tensors.back().fill(static_cast<double>(tensors.size()));
    }
    bool intact = true;
    for (std::size_t i = 1; i < tensors.size(); i += 2) {
      const auto* values = tensors[i].data<float>();
      const auto expected = static_cast<float>(i + 1);
      intact = intact && std::all_of(values, values + tensors[i].size(),
                                     [&](float value) { return value == expected; });
    }
    CHECK(intact);
  }
}

TEST_CASE("blocks may be given back by another thread than took them") {
  std::vector<std::thread> threads;
  std::array<double, 4> sums{};
  for (std::size_t i = 0; i < sums.size(); ++i) {
    Tensor tensor({1000}, Dtype::float64);
    tensor.fill(static_cast<double>(i));
    threads.emplace_back([&sums, i, moved = std::move(tensor)]() mutable {
      const Tensor copy = moved.clone();
      moved = Tensor();
      for (std::int64_t k = 0; k < copy.size(); ++k) sums[i] += copy.data<double>()[k];
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(sums == std::array<double, 4>{0.0, 1000.0, 2000.0, 3000.0});
}

}  // namespace
}  // namespace glueball
