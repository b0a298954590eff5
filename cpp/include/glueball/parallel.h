#pragma once

#include <cstdint>
#include <type_traits>

#include "glueball/export.h"

namespace glueball {

/// How many threads `parallel_for` may use from this process's next call on.
///
/// It starts as OMP_NUM_THREADS says, which people set for all their libraries, else as the number
/// of processors that this process may use. The threads are the library's own; they start at the
/// first loop that needs them, and sleep when there is nothing to do. In a child that was forked
/// after that it is and stays 1, because they did not come along.
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
/// count below two grains stays on the calling thread. There may be several ranges a thread. `body`
/// must not throw, and must not call Python. Nested calls run on their calling thread, and so does
/// a loop that finds the threads at work for another one.
template <class Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
  if (count < 2 * grain) {  // without the division that cuts a longer loop
    if (count > 0) body(0, count);
    return;
  }
  using Plain = std::remove_reference_t<Body>;
  detail::parallel_for(
      count, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<Plain*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace glueball
