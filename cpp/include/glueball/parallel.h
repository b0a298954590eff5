#pragma once

#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include "glueball/export.h"

namespace glueball {

/// What loops run on: "openmp", the compiler's OpenMP runtime, or "pool", threads of the library's
/// own.
///
/// It is what set_threading_layer() was told, else what the environment variable GLUEBALL_THREADS
/// names, else "openmp" where the library was built with it. Both cut a loop into the same ranges.
///
/// @throws ArgumentError if GLUEBALL_THREADS names no layer that this build has.
GLUEBALL_API std::string threading_layer();

/// Chooses the layer, for the whole process, before the first loop that uses several threads.
///
/// @throws ArgumentError if this build has no layer `name`.
/// @throws Error if loops have run on the other layer.
GLUEBALL_API void set_threading_layer(const std::string& name);

/// The layers that this build has, the default first.
GLUEBALL_API std::vector<std::string> threading_layers();

/// The file of the OpenMP runtime that the library is linked to; empty without the layer "openmp".
GLUEBALL_API std::string openmp_runtime();

/// How many threads `parallel_for` may use from the calling thread's next call on.
///
/// It is what set_num_threads() was told. Before that it starts as OMP_NUM_THREADS says, which
/// people set for all their libraries, else as the number of processors that this process may use.
/// The threads start at the first loop that needs them.
///
/// On the layer "openmp" it also keeps to OpenMP's bounds: OMP_THREAD_LIMIT, and a number that
/// somebody lowered for the calling thread since (omp_set_num_threads(), threadpoolctl). Inside a
/// parallel region of the program's own it is 1.
///
/// In a forked child it is and stays 1 if the parent's threads were started ("pool") or could have
/// been ("openmp", whose runtime others in the process may have used too): they did not come along.
GLUEBALL_API int num_threads() noexcept;

/// Sets num_threads(), for the whole process; OpenMP's own settings stay as they are.
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
/// must not call Python. What it throws on any thread is thrown here, the first of it, when all
/// threads have ended; ranges that nobody had begun are left out then. Nested calls run on their
/// calling thread, and so does a loop that finds the threads at work for another one.
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
