// Prints a net's first weights, and its outputs for rows from standard input, bit by bit.
#include <glueball/glueball.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

using namespace glueball;

namespace {

void print(const Tensor& array) {
  for (std::int64_t i = 0; i < array.size(); ++i) {
    std::uint32_t bits = 0;
    std::memcpy(&bits, array.data<float>() + i, sizeof bits);
    std::printf("%08x\n", bits);
  }
}

}  // namespace

int main() {
  std::vector<float> numbers;
  for (float number = 0.0F; std::scanf("%f", &number) == 1;) numbers.push_back(number);

  Sequential net;
  Dense::Settings hidden;
  hidden.activation = ActivationKind::tanh;
  net.add<Dense>("dense0", 33, hidden);
  net.add<Dense>("dense1", 7);
  net.initialize(std::make_shared<Xavier>(), /*seed=*/11);
  const auto rows = static_cast<std::int64_t>(numbers.size() / 20);
  const Tensor outputs = net(Tensor::borrow(numbers.data(), {rows, 20}));
  for (const auto& parameter : ParameterList(net)) print(parameter->data());
  print(outputs);
}
