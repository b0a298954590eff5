#pragma once

namespace glueball::bindings {

/// What a thread is doing: writing a graph, and running layers as in training.
struct Recording {
  bool recording = false;
  bool training = false;
};

/// This thread's.
Recording& recording() noexcept;

}  // namespace glueball::bindings
