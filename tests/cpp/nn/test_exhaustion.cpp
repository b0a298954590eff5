// What runs out of memory throws std::bad_alloc, changes nothing, and works when it is called
// again. A program of its own, in which any one of the library's requests for memory can be made to
// fail.

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "failing_allocations.h"
#include "glueball/glueball.h"
#include "temporary_folder.h"

namespace glueball {
namespace {

using testing::contents_of;
using testing::Failing;
using testing::FailingAllocations;
using testing::TemporaryFolder;

/// What is tried: made again for each request that fails.
struct Operation {
  std::function<void()> run;
  /// All that has to be as before if it fails, or as after if it doesn't.
  std::function<std::string()> state;
};

enum class Outcome : std::uint8_t { no_memory, done, other_error };

/// Runs on a thread of its own, since a thread keeps the memory that it has used.
Outcome outcome_of(const Operation& operation, std::int64_t first, Failing which, bool& failed) {
  Outcome outcome = Outcome::done;
  std::thread([&] {
    const FailingAllocations failing(first, which);
    try {
      operation.run();
    } catch (const std::bad_alloc&) {
      outcome = Outcome::no_memory;
    } catch (const std::exception&) {
      outcome = Outcome::other_error;
    }
    failed = failing.has_failed();
  }).join();
  return outcome;
}

/// Fails each request for memory that the operation makes.
void exhaust(const std::function<Operation()>& make) {
  const Operation alone = make();
  alone.run();
  const std::string after = alone.state();
  for (const Failing which : {Failing::one, Failing::all_from}) {
    CAPTURE(which == Failing::one);
    bool failed = true;
    int errors = 0;
    for (std::int64_t first = 0; failed; ++first) {
      CAPTURE(first);
      const Operation operation = make();
      const std::string before = operation.state();
      const Outcome outcome = outcome_of(operation, first, which, failed);
      // Without memory for a thread, loops do with the others.
      REQUIRE(outcome != Outcome::other_error);
      REQUIRE((failed || outcome == Outcome::done));
      if (outcome == Outcome::no_memory) {
        ++errors;
        REQUIRE(operation.state() == before);
        operation.run();
      }
      REQUIRE(operation.state() == after);
    }
    CHECK(errors > 0);
  }
}

/// On one thread and on two.
void exhaust_on_threads(const std::function<Operation()>& make) {
  for (const int threads : {1, 2}) {
    CAPTURE(threads);
    set_num_threads(threads);
    exhaust(make);
  }
  set_num_threads(1);
}

std::string bits_of(const Tensor& tensor) {
  std::string bits(tensor.bytes(), '\0');
  if (!bits.empty()) std::memcpy(bits.data(), tensor.raw(), bits.size());
  return bits;
}

std::string bits_of(const Layer& net) {
  std::string bits;
  net.visit_parameters("", [&](const std::string&, const std::shared_ptr<Parameter>& each) {
    bits += each->is_initialized() ? bits_of(each->values()) : "none";
  });
  return bits;
}

constexpr std::int64_t batch = 48;
constexpr std::int64_t width = 200;

/// Large enough for two threads, products that pack, and loops that are cut.
std::shared_ptr<Sequential> new_net() {
  auto net = std::make_shared<Sequential>("net");
  Dense::Settings relu;
  relu.activation = ActivationKind::relu;
  net->add<Dense>("dense0", 2 * width, relu);
  net->add<LayerNorm>("norm0");
  net->add<Activation>("act0", ActivationKind::gelu);
  net->add<Dense>("dense1", 10);
  net->initialize(std::make_shared<Uniform>(), /*seed=*/3);
  net->infer_shape({batch, width});
  net->prepare({batch, width});
  return net;
}

Tensor numbers(const Shape& shape) {
  Tensor x(shape);
  Generator(7, 0).normal(x, 0.0, 1.0);
  return x;
}

/// Two kinds of operation that write a net's file; `write` gets its path.
void exhaust_saving(const std::string& name,
                    const std::function<void(const Sequential&, const std::string&)>& write) {
  exhaust_on_threads([&] {
    auto folder = std::make_shared<TemporaryFolder>();
    const std::string path = *folder / name;
    testing::write_file(path, "what was there before");
    const auto net = new_net();
    return Operation{[=] { write(*net, path); },
                     [=] { return contents_of(path) + std::to_string(folder->entries()); }};
  });
}

}  // namespace

TEST_CASE("a forward that runs out of memory throws bad_alloc, and works the next time") {
  exhaust_on_threads([] {
    const auto net = new_net();
    const auto y = std::make_shared<std::string>();
    return Operation{[=] { *y = bits_of((*net)(numbers({batch, width}))); },
                     [=] { return bits_of(*net) + *y; }};
  });
}

TEST_CASE("a first forward that runs out of memory leaves the net deferred") {
  exhaust([] {
    const auto net = std::make_shared<Sequential>("net");
    net->add<Dense>("dense0", 7);
    net->add<BatchNorm>("norm0");
    net->initialize(std::make_shared<Xavier>(), /*seed=*/3);
    const auto y = std::make_shared<std::string>();
    return Operation{[=] { *y = bits_of((*net)(numbers({4, 3}))); }, [=] { return *y; }};
  });
}

TEST_CASE("a step of training that runs out of memory updates all parameters or none") {
  for (const char* rule : {"sgd", "adam", "lamb", "dcasgd"}) {
    CAPTURE(std::string(rule));
    exhaust_on_threads([rule] {
      const auto net = new_net();
      const auto trainer = std::make_shared<Trainer>(ParameterList{*net}, Optimizer{rule});
      return Operation{
          [=] {
            const std::vector<std::int64_t> labels(batch, 1);
            Tensor ones({batch});
            ones.fill(1.0);
            ChainRecord record;
            const Tensor logits =
                net->forward_chain(numbers({batch, width}), ForwardMode{true, nullptr}, record);
            const LossRecord loss = softmax_cross_entropy(logits, labels.data(), batch);
            net->backward_chain(softmax_cross_entropy_backward(loss, labels.data(), ones), record,
                                true, {});
            trainer->step(batch);
          },
          [=] { return bits_of(*net); }};
    });
  }
}

TEST_CASE("a fill that runs out of memory leaves a parameter's values") {
  const std::vector<std::pair<Shape, std::shared_ptr<const Initializer>>> fills{
      {{400, 400}, std::make_shared<Zero>()},
      {{400, 400}, std::make_shared<One>()},
      {{400, 400}, std::make_shared<Constant>(0.5)},
      {{40, 40}, std::make_shared<Constant>(Tensor({40, 40}))},
      {{400, 400}, std::make_shared<Identity>()},
      {{6, 3, 3}, std::make_shared<Dirac>()},
      {{3, 3, 5, 5}, std::make_shared<Bilinear>()},
      {{40}, std::make_shared<LSTMBias>()},
      {{400, 400}, std::make_shared<Uniform>()},
      {{400, 400}, std::make_shared<Normal>()},
      {{400, 400}, std::make_shared<TruncatedNormal>()},
      {{400, 400}, std::make_shared<Sparse>(0.5)},
      {{400, 400}, std::make_shared<VarianceScaling>()},
      {{400, 400}, std::make_shared<Xavier>()},
      {{400, 400}, std::make_shared<MSRAPrelu>()},
      {{300, 200}, std::make_shared<Orthogonal>()},
      {{60, 40}, std::make_shared<Orthogonal>(1.0, Distribution::normal, OrthogonalMethod::svd)},
      {{20, 10, 3, 3}, std::make_shared<DeltaOrthogonal>()},
      {{400, 400},
       std::make_shared<Mixed>(
           std::vector<std::pair<std::string, std::shared_ptr<const Initializer>>>{
               {"bias", std::make_shared<Zero>()}, {".*", std::make_shared<Xavier>()}})},
  };
  for (std::size_t i = 0; i < fills.size(); ++i) {
    CAPTURE(i);
    const auto& [shape, initializer] = fills[i];
    exhaust_on_threads([&shape = shape, &initializer = initializer] {
      const auto parameter = std::make_shared<Parameter>("dense0_weight", shape);
      parameter->initialize(nullptr, std::make_shared<Constant>(2.0), Generator(1, 0));
      return Operation{
          [=] { parameter->initialize(initializer, nullptr, Generator(3, 5), /*force=*/true); },
          [=] { return bits_of(parameter->values()); }};
    });
  }
}

TEST_CASE("a save that runs out of memory leaves the old file, and nothing beside it") {
  const auto parameters = [](const Sequential& net, const std::string& path) {
    save_parameters(net, path);
  };
  exhaust_saving("net.safetensors", parameters);
  exhaust_saving("net.params", parameters);
  exhaust_saving("model.safetensors",
                 [](const Sequential& net, const std::string& path) { save_model(net, path); });
}

TEST_CASE("a load that runs out of memory leaves all parameters' values") {
  const TemporaryFolder folder;
  const auto saved = new_net();
  saved->initialize(std::make_shared<Normal>(), /*seed=*/8, /*force=*/true);
  for (const char* name : {"net.safetensors", "net.params"}) {
    CAPTURE(std::string(name));
    const std::string path = folder / name;
    save_parameters(*saved, path);
    for (const bool is_filled : {true, false}) {
      CAPTURE(is_filled);
      exhaust_on_threads([&] {
        auto net = new_net();
        if (!is_filled) {
          net = std::make_shared<Sequential>("net");
          net->add<Dense>("dense0", 2 * width);
          net->add<LayerNorm>("norm0");
          net->add<Activation>("act0", ActivationKind::gelu);
          net->add<Dense>("dense1", 10);
        }
        return Operation{[net, path] { load_parameters(*net, path); },
                         [net] { return bits_of(*net); }};
      });
    }
  }
}

TEST_CASE("a model's file that is loaded without memory can be loaded later") {
  const TemporaryFolder folder;
  const std::string path = folder / "model.safetensors";
  save_model(*new_net(), path);
  exhaust_on_threads([&] {
    const auto net = std::make_shared<std::shared_ptr<Sequential>>();
    return Operation{[=] { *net = load_model(path); },
                     [=] { return *net == nullptr ? std::string() : bits_of(**net); }};
  });
}

TEST_CASE("what a loop's body throws on any thread is thrown to the caller, once all have ended") {
  set_num_threads(4);
  for (const std::int64_t faulty : {0, 1, 50, 99}) {
    CHECK_THROWS_AS(parallel_for(100, 1,
                                 [faulty](std::int64_t begin, std::int64_t end) {
                                   if (begin <= faulty && faulty < end) throw std::bad_alloc();
                                 }),
                    std::bad_alloc);
  }
  set_num_threads(1);
}

}  // namespace glueball
