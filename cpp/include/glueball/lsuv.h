#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "glueball/export.h"
#include "glueball/sequential.h"

namespace glueball {

/// How lsuv() goes about it.
struct LsuvSettings {
  double tolerance = 0.02;  ///< How far from 1 a variance may be.
  int max_steps = 10;       ///< How often a weight may be scaled.
  bool orthogonal = true;   ///< Whether weights are made orthogonal first.
  std::uint64_t seed = 0;   ///< Of those, and of what was never initialized.
};

/// What lsuv() did to one layer.
struct GLUEBALL_API LsuvRow {
  std::string path;        ///< Its weight's: "0.weight".
  double before = 0.0;     ///< The variance that it had, before its activation.
  double variance = 0.0;   ///< The variance at the end.
  double scale = 1.0;      ///< What the weight was multiplied by.
  int steps = 0;           ///< How often.
  bool converged = false;  ///< Whether the variance is within the tolerance.
};

/// Gives what comes out of each dense layer, before its activation, variance 1 on a batch `input`.
///
/// Weights are made orthogonal and then divided by the standard deviation of the layer's output, in
/// order: each layer sees what those before it give by then. Biases, embeddings, normalisations and
/// weights with GradReq::null stay; a shared weight is scaled at its first place. What was never
/// initialized is first.
///
/// D. Mishkin, J. Matas, "All you need is a good init", ICLR 2016, arXiv 1511.06422.
/// @throws ArgumentError for a tolerance that is not above 0 or fewer steps than 1; as forward().
GLUEBALL_API std::vector<LsuvRow> lsuv(Sequential& net, const Tensor& input,
                                       const LsuvSettings& settings = {});

}  // namespace glueball
