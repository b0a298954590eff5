// The only source outside of kernels/ that computes with Eigen. It is compiled once, for the
// baseline, so that its bits are the same whatever the kernels' instruction set.

// A name of our own: a program's Eigen, compiled for more, must not be linked in place of this one.
#define Eigen glueball_Eigen
#define EIGEN_DONT_PARALLELIZE
#include "init/singular_vectors.h"

#include <Eigen/SVD>
#include <algorithm>
#include <cstdint>
#include <new>

namespace glueball {
namespace {

// Products are cut into blocks, and so summed, by the caches' sizes: not by those of this machine.
void fix_block_sizes() {
  static const bool fixed = [] {
    Eigen::setCpuCacheSizes(32 * 1024, 512 * 1024, 4 * 1024 * 1024);
    return true;
  }();
  static_cast<void>(fixed);
}

/// Asks for what the decomposition takes, measured, and gives it back: where one of Eigen's own
/// requests fails halfway, its arrays refer to memory that they have freed.
void check_memory(const Tensor& matrix) {
  const std::int64_t rows = matrix.shape()[0];
  const std::int64_t columns = matrix.shape()[1];
  const std::int64_t least = std::min(rows, columns);
  const auto numbers = static_cast<std::size_t>(7 * (rows * columns + least * least));
  ::operator delete(::operator new(numbers * sizeof(double)));
}

Eigen::MatrixXd left_vectors(const Eigen::MatrixXd& high) {
  return Eigen::BDCSVD<Eigen::MatrixXd, Eigen::ComputeThinU>(high).matrixU();
}

}  // namespace

void replace_by_singular_vectors(const Tensor& matrix) {
  fix_block_sizes();
  check_memory(matrix);
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<RowMajor> a(matrix.data<double>(), matrix.shape()[0], matrix.shape()[1]);
  if (a.rows() >= a.cols()) {
    a = left_vectors(a);
  } else {
    a.transpose() = left_vectors(a.transpose());
  }
}

}  // namespace glueball
