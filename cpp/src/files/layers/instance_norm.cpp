#include "files/layers/norm.h"

void glueball::declare_instance_norm(LayerKinds& kinds) {
  declare_axis_norm<InstanceNorm>(kinds, "InstanceNorm");
}
