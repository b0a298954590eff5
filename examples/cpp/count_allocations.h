#pragma once

#include <cstdint>

/// How often this program has asked for memory, by `new`, malloc() or one of its kin.
std::int64_t allocations() noexcept;
