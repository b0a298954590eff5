#include "glueball/random.h"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <atomic>
#include <string>
#include <utility>

#include "bindings.h"
#include "glueball/error.h"
#include "ndarray.h"

namespace glueball::bindings {
namespace {

thread_local std::shared_ptr<Generator> scoped_generator;
std::atomic<std::uint64_t> initialize_calls{0};

/// Guarded by the GIL. seed() puts another in its place, since threads may be drawing from it.
std::shared_ptr<Generator>& process_generator() {
  static auto* const generator =
      new std::shared_ptr<Generator>(std::make_shared<Generator>());  // outlives static destruction
  return *generator;
}

/// A bound fill: draws into any writable array, in place.
template <class... Settings>
auto filling(void (Generator::*draw)(const Tensor&, Settings...)) {
  return [draw](Generator& rng, py::handle out, Settings... settings) {
    const WritableArray destination(out, "out");
    {
      const py::gil_scoped_release unlocked;
      (rng.*draw)(destination.tensor(), settings...);
    }
    destination.write_back();
  };
}

/// Blocks may be nested, each object is for one at a time.
class DrawsApart {
 public:
  void enter() {
    if (is_open_) {
      throw ArgumentError({"a DrawsApart for each with block", "one that is open", "make another"});
    }
    outer_ = std::exchange(scoped_generator, std::make_shared<Generator>(*default_generator()));
    is_open_ = true;
  }
  void exit() {
    if (!is_open_) {
      throw ArgumentError({"an open DrawsApart", "one that is not", "use it in a with block"});
    }
    scoped_generator = std::move(outer_);
    is_open_ = false;
  }

 private:
  std::shared_ptr<Generator> outer_;
  bool is_open_ = false;
};

}  // namespace

std::shared_ptr<Generator> default_generator() {
  return scoped_generator ? scoped_generator : process_generator();
}

GeneratorScope::GeneratorScope(Generator& rng)
    : rng_(rng), outer_(std::exchange(scoped_generator, std::make_shared<Generator>(rng))) {}

GeneratorScope::~GeneratorScope() {
  rng_.seek(scoped_generator->position());
  scoped_generator = std::move(outer_);
}

void bind_random(py::module_& m) {
  py::class_<Generator, py::smart_holder>(m, "Generator",
                                          "A source of random numbers whose element i depends only "
                                          "on (seed, stream, i): Philox4x32-10.")
      .def(py::init<std::uint64_t, std::uint64_t>(), py::arg("seed") = 0, py::arg("stream") = 0)
      .def_property_readonly("seed", method(&Generator::seed))
      .def_property_readonly("stream", method(&Generator::stream))
      .def_property("position", method(&Generator::position), method(&Generator::seek),
                    "Number of the next element to be drawn.")
      .def(
          "words",
          [](Generator& rng, std::int64_t count) {
            if (count < 0) {
              throw ArgumentError({"a count of 0 or more", std::to_string(count), "correct it"});
            }
            py::array_t<std::uint32_t> words(count);
            rng.words(words.mutable_data(), count);
            return words;
          },
          py::arg("count"), "The next `count` raw words, uint32, shape (count,).")
      .def("uniform", filling(&Generator::uniform), py::arg("out"), py::arg("low"), py::arg("high"),
           "Fills `out` (float32 or float64) with draws from U(low, high), high excluded.")
      .def("normal", filling(&Generator::normal), py::arg("out"), py::arg("mean"), py::arg("sigma"),
           "Fills `out` (float32 or float64) with draws from N(mean, sigma).")
      .def("truncated_normal", filling(&Generator::truncated_normal), py::arg("out"),
           py::arg("mean"), py::arg("sigma"), py::arg("low"), py::arg("high"),
           "Fills `out` with draws from N(mean, sigma) cut off at the values low and high.");

  m.def("default_generator", &default_generator,
        "What random functions draw from now: the process's generator, or the stream of the "
        "parameter that is being initialized in this thread.");
  py::class_<DrawsApart>(m, "DrawsApart",
                         "Within a with block this thread draws from a copy of its generator: "
                         "nobody's numbers change.")
      .def(py::init<>())
      .def("__enter__", method(&DrawsApart::enter))
      .def("__exit__", [](DrawsApart& self, const py::args&) { self.exit(); });
  m.def(
      "seed",
      [](std::uint64_t seed) {
        process_generator() = std::make_shared<Generator>(seed);
        initialize_calls = 0;
      },
      py::arg("seed"), "Restarts the default generator and the count of initialize() calls.");
  m.def(
      "next_initialize_call", [] { return initialize_calls++; },
      "Number of this initialize() call under the present seed, counted from 0.");
  m.def(
      "parameter_stream",
      [](const std::string& path, std::uint64_t call) { return parameter_stream(path, call); },
      py::arg("path"), py::arg("call"),
      "The stream of the parameter at a structural path in the call-th initialize().");
}

}  // namespace glueball::bindings
