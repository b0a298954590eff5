#pragma once

/// Everything that a program embedding glueball needs.

#include "glueball/activation.h"
#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/error.h"
#include "glueball/flatten.h"
#include "glueball/initializer.h"
#include "glueball/layer.h"
#include "glueball/loss.h"
#include "glueball/optimizer.h"
#include "glueball/parallel.h"
#include "glueball/parameter.h"
#include "glueball/random.h"
#include "glueball/sequential.h"
#include "glueball/shape.h"
#include "glueball/tensor.h"
#include "glueball/version.h"
