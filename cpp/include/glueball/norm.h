#pragma once

// The four normalisations.

#include "glueball/batch_norm.h"
#include "glueball/group_norm.h"
#include "glueball/instance_norm.h"
#include "glueball/layer_norm.h"
