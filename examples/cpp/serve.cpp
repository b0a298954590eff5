// Loads a one-file model that Python (net.export) or train.cpp wrote, and answers rows:
//   serve digits.safetensors < rows.csv
// A line of standard input is one sample's features; a line of standard output is the number of the
// largest score, and the scores, with as many digits as tell every float apart.
#include <glueball/glueball.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <string>

#include "table.h"

namespace {

using namespace glueball;

void answer(Sequential& net, const Table& row) {
  const Tensor scores = net(Tensor::borrow(row.numbers.data(), {1, row.columns}));
  const float* first = scores.data<float>();
  const float* last = first + scores.size();
  std::printf("%d", static_cast<int>(std::max_element(first, last) - first));
  for (const float* score = first; score != last; ++score) {
    std::printf(",%.9g", static_cast<double>(*score));
  }
  std::printf("\n");
  std::fflush(stdout);  // the other program is waiting
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) {
    std::fprintf(stderr, "usage: serve model.safetensors < rows.csv\n");
    return 2;
  }
  try {
    const std::shared_ptr<Sequential> net = load_model(arguments[1]);
    for (std::string line; std::getline(std::cin, line);) {
      try {
        Table row;
        append_row(row, line);
        answer(*net, row);
      } catch (const InputError& error) {  // of this row; the next may be right
        std::fprintf(stderr, "%s\n", error.what());
        std::printf("error\n");
        std::fflush(stdout);
      }
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
