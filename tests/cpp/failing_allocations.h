#pragma once

#include <cstdint>

namespace glueball::testing {

/// Which of the requests for memory fail that the library makes, by `new`, aligned_alloc() or
/// mmap(), on any thread. Not by malloc(), which Eigen calls: singular_vectors.cpp says why.
enum class Failing : std::uint8_t {
  one,      ///< one alone
  all_from  ///< it and all that come later, until the object goes
};

/// While it lives, the request of number `first`, counted from 0, fails, and perhaps all after it.
class FailingAllocations {
 public:
  FailingAllocations(std::int64_t first, Failing which);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  /// Whether any request has failed.
  bool has_failed() const;
};

}  // namespace glueball::testing
