#include "files/layers/norm.h"

void glueball::declare_layer_norm(LayerKinds& kinds) {
  declare_axis_norm<LayerNorm>(kinds, "LayerNorm");
}
