#pragma once

#include <cstdint>
#include <type_traits>

#include "glueball/export.h"

namespace glueball {

/// How many threads `parallel_for` may use from this process's next call on.
///
/// It starts as OpenMP's own default, and never changes OpenMP's settings.
/// In the child after `fork()` it is and stays 1, because OpenMP's threads did not come along. A
/// library built without OpenMP runs on the calling thread, whatever the number.
GLUEBALL_API int num_threads() noexcept;

/// Sets num_threads(), for the whole process.
///
/// @throws ArgumentError if `count` is less than 1.
GLUEBALL_API void set_num_threads(int count);

namespace detail {
using RangeFunction = void (*)(void* context, std::int64_t begin, std::int64_t end);
GLUEBALL_API void parallel_for(std::int64_t count, std::int64_t grain, RangeFunction function,
                               void* context);
}  // namespace detail

/// Calls `body(begin, end)` on ranges that together are [0, count), on several threads if it pays.
///
/// No range but the last is shorter than `grain`, and every range begins at a multiple of it, so a
/// count below two grains stays on the calling thread. `body` must not throw, and must not
/// call Python. Nested calls run on their calling thread.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_for(
      count, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<Plain*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace glueball
