#pragma once

// Whether this process has ever had more than one thread. Internal: not installed.

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace glueball {

/// True only while no other thread could look: what is counted then needs no atomic operation,
/// which takes as long as a small layer's arithmetic. False where the system does not say, and for
/// good once there was a second thread, in children that fork() makes too. Not told of what a
/// program makes by clone() itself, as little as malloc is, which counts on the same.
inline bool is_single_threaded() noexcept {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded != 0;
#else
  return false;
#endif
}

}  // namespace glueball
