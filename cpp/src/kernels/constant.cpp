// One number everywhere.

#include "kernels/lanes.h"

namespace glueball::kernels::GLUEBALL_TARGET {
namespace {

template <class T>
struct VectorOf {
  using Type = Real;
};
template <>
struct VectorOf<double> {
  using Type = Double;
};

}  // namespace

template <class T>
void constant(T value, T* out, Index count, bool streaming) {
  using V = typename VectorOf<T>::Type;
  constexpr Index step = sizeof(V) / sizeof(T);
  const V vector = all<V>(value);
  while (count > 0 && reinterpret_cast<std::uintptr_t>(out) % sizeof(V) != 0) {
    *out++ = value;
    --count;
  }
  for (; count >= step; count -= step, out += step) put(out, vector, streaming);
  for (; count > 0; --count) *out++ = value;
  if (streaming) end_streaming();
}

void add_constant(KernelSet& set) {
  const auto add = []<class T>(Table<T>& table) { table.constant = constant<T>; };
  add(set.f32);
  add(set.f64);
}

}  // namespace glueball::kernels::GLUEBALL_TARGET
