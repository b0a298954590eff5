#pragma once

#include <cstddef>

namespace glueball {

/// Whether an array of so many bytes is filled with stores that go past the caches.
///
/// Beyond the last-level cache an ordinary store first reads the line that it overwrites; below,
/// the array's next user finds it in the cache.
constexpr bool outgrows_cache(std::size_t bytes) noexcept { return bytes >= std::size_t{64} << 20; }

}  // namespace glueball
