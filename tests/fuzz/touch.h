#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "glueball/error.h"
#include "glueball/stored_array.h"

namespace glueball::fuzz {

/// Reads every element that `parse` hands out, so that the address sanitizer sees each access.
template <class Parse>
void touch(Parse&& parse) {
  StoredArrays contents;
  try {
    contents = parse();
  } catch (const FileFormatError&) {
    return;
  }
  for (const StoredArray& array : contents.arrays) {
    const auto* const data = static_cast<const volatile std::uint8_t*>(array.data());
    for (std::size_t i = 0; i < array.bytes(); ++i) static_cast<void>(data[i]);
    if (!array.is_convertible() || array.lengths().size() > Shape::max_rank) continue;
    const Tensor view = array.view();
    // What is handed out holds as many elements as its shape says, whatever the shape.
    if (view.size() != array.size()) std::abort();
  }
  for (const auto& [alias, name] : contents.aliases) {
    if (contents.find(alias) != contents.find(name) || contents.find(name) == nullptr) std::abort();
  }
}

}  // namespace glueball::fuzz
