#pragma once

/// @file
/// Everything that a program embedding glueball needs.

#include "glueball/activation.h"
#include "glueball/backward_pass.h"
#include "glueball/batch_norm.h"
#include "glueball/buffer.h"
#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/dtype.h"
#include "glueball/elementwise_loss.h"
#include "glueball/embedding.h"
#include "glueball/embedding_loss.h"
#include "glueball/error.h"
#include "glueball/explain.h"
#include "glueball/export.h"
#include "glueball/flatten.h"
#include "glueball/group_norm.h"
#include "glueball/initializer.h"
#include "glueball/instance_norm.h"
#include "glueball/io.h"
#include "glueball/layer.h"
#include "glueball/layer_norm.h"
#include "glueball/loss.h"
#include "glueball/lsuv.h"
#include "glueball/model.h"
#include "glueball/norm.h"
#include "glueball/normalisation.h"
#include "glueball/optimizer.h"
#include "glueball/parallel.h"
#include "glueball/parameter.h"
#include "glueball/parameter_list.h"
#include "glueball/params.h"
#include "glueball/prelu.h"
#include "glueball/random.h"
#include "glueball/safetensors.h"
#include "glueball/sequential.h"
#include "glueball/shape.h"
#include "glueball/stored_array.h"
#include "glueball/tensor.h"
#include "glueball/trainer.h"
#include "glueball/version.h"

/// Gluon's parameter model: tensors, initializers, parameters, layers, losses, optimizers.
///
/// What can go wrong throws Error or a class derived from it; running out of memory throws
/// std::bad_alloc. Reading is safe from many threads: see each class for what changes.
namespace glueball {}
