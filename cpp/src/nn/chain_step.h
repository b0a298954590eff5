#pragma once

#include <cstdint>
#include <typeinfo>

#include "kernels/table.h"

namespace glueball {

class PackedWeights;
class Parameter;
struct LayerRecord;

/// What a layer is to a chain, which runs what it knows together with its neighbours.
///
/// A step holds for the very class that declares it: one that derives from it may compute something
/// else.
struct ChainStep {
  enum class Kind : std::uint8_t {
    other,          ///< runs by itself
    product,        ///< f(x w^T + b), for inputs of two axes
    elementwise,    ///< f(x)
    training_only,  ///< the identity outside training
  };

  Kind kind = Kind::other;
  const std::type_info* declared_by = nullptr;
  const Parameter* weight = nullptr;                      ///< Of a product: (units, width).
  const PackedWeights* packed = nullptr;                  ///< The weight's.
  const Parameter* bias = nullptr;                        ///< Of a product: (units,), or null.
  std::int64_t units = 0;                                 ///< Of a product.
  kernels::ActivationCode code = kernels::code_identity;  ///< f
  double alpha = 0.0;                                     ///< Of f.
};

/// What is next to a product in a backward.
struct ChainNeighbours {
  /// Whether the layer above has multiplied by the derivative of f already.
  bool is_linear = false;
  /// The layer whose output was the input, if the gradient is to be multiplied by the derivative of
  /// its f, and its record; else null.
  const ChainStep* below = nullptr;
  const LayerRecord* below_record = nullptr;
};

}  // namespace glueball
