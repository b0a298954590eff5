#include "core/mutex.h"

#include <cstdio>
#include <cstdlib>

namespace glueball::locks {

Rank& held() noexcept {
  static constinit thread_local Rank last = Rank::none;
  return last;
}

void check(Rank rank) noexcept {
  const Rank last = held();
  // Python's lock comes first, so that it may be taken only while there is none.
  if (last == Rank::none || last < rank) return;
  std::fprintf(stderr,
               "glueball: expected locks to be taken in the order of core/mutex.h, found number %d "
               "(0: Python's) after %d\n",
               static_cast<int>(rank), static_cast<int>(last));
  std::abort();
}

}  // namespace glueball::locks
