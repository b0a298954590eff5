#include "glueball/parameter.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "glueball/dense.h"
#include "glueball/embedding.h"
#include "glueball/error.h"
#include "glueball/norm.h"
#include "glueball/prelu.h"
#include "glueball/sequential.h"

namespace glueball {
namespace {

constexpr std::int64_t unknown = Shape::unknown;

/// Writes one value, and counts how often it was asked to.
class Counting : public Initializer {
 public:
  explicit Counting(double value) : value_(value) {}

  void init_weight(const InitDesc&, const Tensor& out, Generator&) const override {
    ++calls;
    out.fill(value_);
  }

  mutable std::atomic<int> calls = 0;

 private:
  double value_;
};

/// Fails the first time only, as a user's initializer does that is corrected and called again.
class FailsOnce : public Initializer {
 public:
  void init_weight(const InitDesc& desc, const Tensor& out, Generator&) const override {
    if (!std::exchange(failed_, true)) {
      throw ArgumentError({"a better day", desc.name, "try again"});
    }
    out.fill(4.0);
  }

 private:
  mutable bool failed_ = false;
};

Parameter::Settings deferrable() {
  Parameter::Settings settings;
  settings.allow_deferred_init = true;
  return settings;
}

float first(const Tensor& tensor) { return tensor.data<float>()[0]; }

TEST_CASE("a parameter of known shape has values and a zero gradient once initialized") {
  Parameter weight("dense0_weight", Shape({2, 3}));
  CHECK(weight.state() == Parameter::State::uninitialized);

  CHECK(weight.initialize(nullptr, std::make_shared<Counting>(2.0), Generator(1)));

  CHECK(weight.is_initialized());
  CHECK(weight.data().shape() == Shape({2, 3}));
  CHECK(first(weight.data()) == 2.0F);
  CHECK(weight.grad().shape() == Shape({2, 3}));
  CHECK(first(weight.grad()) == 0.0F);
}

TEST_CASE("a parameter initialized twice keeps its values, unless forced") {
  Parameter weight("w_weight", Shape({2}));
  weight.initialize(nullptr, std::make_shared<Counting>(1.0), Generator());
  const Tensor old_values = weight.data();

  CHECK_FALSE(weight.initialize(nullptr, std::make_shared<Counting>(2.0), Generator()));
  CHECK(first(weight.data()) == 1.0F);

  CHECK(weight.initialize(nullptr, std::make_shared<Counting>(2.0), Generator(), true));
  CHECK(first(weight.data()) == 2.0F);
  CHECK(first(old_values) == 1.0F);
}

TEST_CASE(
    "the initializer given to the call wins over the parameter's own, and that over the net's") {
  const auto by_call = std::make_shared<Counting>(1.0);
  const auto by_parameter = std::make_shared<Counting>(2.0);
  const auto by_net = std::make_shared<Counting>(3.0);
  Parameter::Settings settings;
  settings.init = by_parameter;
  Parameter weight("w_weight", Shape({1}), settings);

  weight.initialize(by_call, by_net, Generator());
  CHECK(first(weight.data()) == 1.0F);

  weight.initialize(nullptr, by_net, Generator(), true);
  CHECK(first(weight.data()) == 2.0F);

  weight.set_init(nullptr);
  weight.initialize(nullptr, by_net, Generator(), true);
  CHECK(first(weight.data()) == 3.0F);
}

TEST_CASE("a deferred parameter is filled once, when its shape is known") {
  const auto init = std::make_shared<Counting>(5.0);
  Parameter weight("dense0_weight", Shape({256, unknown}), deferrable());

  weight.initialize(nullptr, init, Generator());
  CHECK(weight.state() == Parameter::State::deferred);
  CHECK(init->calls == 0);
  CHECK_THROWS_AS(static_cast<void>(weight.data()), DeferredInitializationError);
  CHECK_THROWS_AS(weight.finish_deferred(), DeferredInitializationError);

  weight.set_shape({256, 20});
  CHECK(init->calls == 0);
  weight.finish_deferred();
  weight.finish_deferred();

  CHECK(init->calls == 1);
  CHECK(weight.data().shape() == Shape({256, 20}));
}

TEST_CASE("when the shape becomes known changes no number") {
  Parameter now("dense0_weight", Shape({4, 5}));
  Parameter later("dense7_weight", Shape({4, unknown}), deferrable());
  const auto init = std::make_shared<Uniform>(0.5);

  now.initialize(nullptr, init, Generator(3, 9));
  later.initialize(nullptr, init, Generator(3, 9));
  later.set_shape({4, 5});
  later.finish_deferred();

  for (std::int64_t i = 0; i < now.data().size(); ++i) {
    CHECK(now.data().data<float>()[i] == later.data().data<float>()[i]);
  }
}

TEST_CASE("an unknown shape where waiting is not allowed is an error that says both ways out") {
  Parameter weight("w_weight", Shape({256, unknown}));

  CHECK_THROWS_WITH_AS(
      weight.initialize(nullptr, nullptr, Generator()),
      "expected a shape whose axes are all known, to initialize Parameter "
      "'w_weight', found (256, -1); give the shape, or allow_deferred_init=True to "
      "wait for data",
      ArgumentError);
  CHECK(weight.state() == Parameter::State::uninitialized);
}

TEST_CASE("an initializer that throws leaves the parameter as it was, and a corrected one works") {
  SUBCASE("at initialize()") {
    Parameter weight("w_weight", Shape({2}));
    const auto init = std::make_shared<FailsOnce>();

    CHECK_THROWS_WITH_AS(weight.initialize(nullptr, init, Generator()),
                         "expected a better day, found w_weight; try again", ArgumentError);
    CHECK(weight.state() == Parameter::State::uninitialized);
    weight.initialize(nullptr, init, Generator());
    CHECK(first(weight.data()) == 4.0F);
  }
  SUBCASE("when deferred") {
    Parameter weight("w_weight", Shape({2, unknown}), deferrable());
    weight.initialize(nullptr, std::make_shared<FailsOnce>(), Generator());
    weight.set_shape({2, 2});

    CHECK_THROWS_AS(weight.finish_deferred(), ArgumentError);
    CHECK(weight.state() == Parameter::State::deferred);
    weight.finish_deferred();
    CHECK(first(weight.data()) == 4.0F);
  }
}

TEST_CASE("threads that need a deferred parameter at once fill it once") {
  const auto init = std::make_shared<Counting>(1.0);
  Parameter weight("w_weight", Shape({1000, unknown}), deferrable());
  weight.initialize(nullptr, init, Generator());
  weight.set_shape({1000, 100});

  std::atomic<int> ready = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      weight.finish_deferred();
      if (first(weight.data()) == 1.0F) ++ready;
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(init->calls == 1);
  CHECK(ready == 4);
}

TEST_CASE("use before initialize() is an error that names the parameter") {
  Parameter weight("dense0_weight", Shape({2}));

  CHECK_THROWS_AS(static_cast<void>(weight.data()), UninitializedError);
  CHECK_THROWS_AS(static_cast<void>(weight.grad()), UninitializedError);
  CHECK_THROWS_AS(weight.finish_deferred(), UninitializedError);
  CHECK_THROWS_AS(weight.set_data(Tensor({2})), UninitializedError);
}

TEST_CASE("a shape that does not fit is refused in Gluon's words, and changes nothing") {
  Parameter weight("dense0_weight", Shape({256, unknown}), deferrable());

  CHECK_THROWS_AS(weight.set_shape({128, 20}), ShapeError);
  CHECK_THROWS_AS(weight.set_shape({256}), ShapeError);
  CHECK(*weight.shape() == Shape({256, unknown}));

  weight.set_shape({256, 20});
  std::string text;
  try {
    weight.set_shape({256, 30});
  } catch (const ShapeError& error) {
    text = error.what();
  }
  CHECK(text.rfind("Expected shape (256, 30) is incompatible with given shape (256, 20).", 0) == 0);
}

TEST_CASE("a parameter may not know even its rank, until it is told") {
  Parameter weight("w_weight", std::nullopt, deferrable());
  weight.initialize(nullptr, std::make_shared<Counting>(1.0), Generator());
  CHECK(weight.state() == Parameter::State::deferred);

  weight.set_shape({3});
  weight.finish_deferred();

  CHECK(weight.data().shape() == Shape({3}));
}

TEST_CASE("set_data keeps the array, and makes one where initialization was waiting") {
  Tensor values({2, 3});
  values.fill(7.0);
  Parameter known("a_weight", Shape({2, 3}));
  known.initialize(nullptr, nullptr, Generator());
  const Tensor view = known.data();
  Parameter waiting("b_weight", Shape({2, unknown}), deferrable());
  const auto init = std::make_shared<Counting>(1.0);
  waiting.initialize(nullptr, init, Generator());

  known.set_data(values);
  waiting.set_data(values);

  CHECK(first(view) == 7.0F);
  CHECK(*waiting.shape() == Shape({2, 3}));
  CHECK(first(waiting.data()) == 7.0F);
  waiting.finish_deferred();
  CHECK(init->calls == 0);
  CHECK_THROWS_AS(known.set_data(Tensor({3, 2})), ShapeError);
  CHECK(first(known.data()) == 7.0F);
}

TEST_CASE("grad_req null keeps no gradient, and leaving it makes one of zeros") {
  Parameter::Settings settings;
  settings.grad_req = GradReq::null;
  Parameter weight("w_weight", Shape({2}), settings);
  weight.initialize(nullptr, nullptr, Generator());

  CHECK_FALSE(weight.has_grad());
  CHECK_THROWS_WITH_AS(static_cast<void>(weight.grad()),
                       "Cannot get gradient array for Parameter 'w_weight' because grad_req='null'",
                       NoGradientError);

  weight.set_grad_req(GradReq::add);
  CHECK(first(weight.grad()) == 0.0F);
  weight.set_grad_req(GradReq::null);
  CHECK_FALSE(weight.has_grad());
}

TEST_CASE("a parameter that is not differentiable never has a gradient") {
  Parameter::Settings settings;
  settings.differentiable = false;
  Parameter running("running_mean", Shape({2}), settings);
  running.initialize(nullptr, nullptr, Generator());

  running.set_grad_req(GradReq::write);

  CHECK(running.grad_req() == GradReq::null);
  CHECK_FALSE(running.has_grad());
}

TEST_CASE(
    "within one backward gradients are summed; the next overwrites or adds, as grad_req says") {
  for (const GradReq grad_req : {GradReq::write, GradReq::add}) {
    CAPTURE(to_string(grad_req));
    Parameter::Settings settings;
    settings.grad_req = grad_req;
    Parameter weight("w_weight", Shape({2}), settings);
    weight.initialize(nullptr, nullptr, Generator());

    const BackwardPass one;
    CHECK(weight.grad_target(one).accumulate == (grad_req == GradReq::add));
    CHECK(weight.grad_target(one).accumulate);
    const BackwardPass two;
    CHECK(weight.grad_target(two).accumulate == (grad_req == GradReq::add));
  }
}

TEST_CASE("a pass that wants some parameters' gradients collects them apart, and writes to none") {
  const auto wanted = std::make_shared<Parameter>("a_weight", Shape({2}));
  const auto other = std::make_shared<Parameter>("b_weight", Shape({2}));
  for (const auto& each : {wanted, other}) {
    each->initialize(nullptr, nullptr, Generator());
    each->grad().fill(7.0);
  }
  const BackwardPass pass({wanted});
  CHECK_FALSE(pass.collected(*wanted).defined());

  const GradTarget first = wanted->grad_target(pass);
  first.grad->fill(1.0);

  CHECK_FALSE(first.accumulate);
  CHECK(wanted->grad_target(pass).accumulate);
  CHECK(wanted->grad_target(pass).grad->raw() == first.grad->raw());
  CHECK(pass.collected(*wanted).data<float>()[1] == 1.0F);
  CHECK(other->grad_target(pass).grad == nullptr);
  CHECK_FALSE(pass.collected(*other).defined());
  for (const auto& each : {wanted, other}) {
    CHECK_FALSE(each->grad_is_fresh());
    CHECK(each->grad().data<float>()[0] == 7.0F);
  }
}

TEST_CASE("a pass does not add gradients of two dtypes") {
  const auto parameter = std::make_shared<Parameter>("w", Shape{3});
  parameter->set_data(Tensor({3}), true);
  const BackwardPass pass({parameter});
  parameter->grad_target(pass).grad->fill(1.0);
  parameter->cast(Dtype::float64);

  CHECK_THROWS_WITH_AS(
      parameter->grad_target(pass),
      "expected Parameter 'w' as it was earlier in this pass, (3,), float32, found "
      "(3,), float64; make a new BackwardPass after a cast or initialize",
      InputError);
}

TEST_CASE("a gradient is fresh from its backward to the optimizer's step") {
  Parameter weight("w_weight", Shape({2}));
  weight.initialize(nullptr, nullptr, Generator());
  CHECK_FALSE(weight.grad_is_fresh());

  static_cast<void>(weight.grad_target(BackwardPass()));
  CHECK(weight.grad_is_fresh());
  weight.mark_stale();
  CHECK_FALSE(weight.grad_is_fresh());
}

TEST_CASE("a gradient was computed from its first backward to the next zero_grad") {
  Parameter weight("w_weight", Shape({2}));
  weight.initialize(nullptr, nullptr, Generator());
  CHECK_FALSE(weight.grad_was_computed());

  static_cast<void>(weight.grad_target(BackwardPass()));
  weight.mark_stale();
  CHECK(weight.grad_was_computed());
  weight.zero_grad();
  CHECK_FALSE(weight.grad_was_computed());

  static_cast<void>(weight.grad_target(BackwardPass()));
  weight.set_grad_req(GradReq::null);
  weight.set_grad_req(GradReq::write);
  CHECK_FALSE(weight.grad_was_computed());
}

TEST_CASE("a renamed parameter is called so in messages") {
  Parameter weight("w_weight", Shape({2}));
  weight.rename("v_weight");

  CHECK(weight.name() == "v_weight");
  CHECK_THROWS_WITH_AS(weight.data(), doctest::Contains("'v_weight'"), UninitializedError);
}

void fill(Parameter& parameter) {
  parameter.initialize(nullptr, std::make_shared<Counting>(0.5), Generator());
}

TEST_CASE("a snapshot costs no look at the values while nobody has an array of them") {
  Parameter weight("w_weight", Shape({3, 5}));
  fill(weight);

  const auto before = weight.snapshot();
  CHECK_FALSE(before.fingerprint);
  CHECK(weight.matches(before));

  weight.mark_stale();  // an optimizer's step
  CHECK_FALSE(weight.matches(before));
  CHECK_FALSE(weight.snapshot().fingerprint);
}

TEST_CASE("gradients of as many passes as are told are summed until a step") {
  Parameter weight("w_weight", Shape({2}));
  weight.initialize(nullptr, std::make_shared<Counting>(1.0), Generator());
  const auto accumulates = [&weight] { return weight.grad_target(BackwardPass()).accumulate; };

  SUBCASE("one, unless something is said") {
    CHECK_FALSE(accumulates());
    CHECK_FALSE(accumulates());
  }
  SUBCASE("two") {
    weight.set_passes_per_step(2);
    CHECK_FALSE(accumulates());
    CHECK(accumulates());
    CHECK_FALSE(accumulates());  // a third begins again
    weight.mark_stale();
    CHECK_FALSE(accumulates());
    weight.mark_written();  // a step by hand
    CHECK_FALSE(accumulates());
    CHECK(accumulates());
  }
  SUBCASE("none is one") {
    weight.set_passes_per_step(0);
    CHECK_FALSE(accumulates());
    CHECK_FALSE(accumulates());
  }
}

TEST_CASE("writes through an array are found, whether it was taken before a snapshot or after") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const std::int64_t size : {1, 3, 8, 9, 1000}) {
      for (const std::int64_t place : {std::int64_t{0}, size / 2, size - 1}) {
        for (const bool earlier : {true, false}) {
          CAPTURE(size);
          CAPTURE(place);
          Parameter::Settings settings;
          settings.dtype = dtype;
          Parameter weight("w_weight", Shape({size}), settings);
          fill(weight);
          Tensor array;
          if (earlier) array = weight.data();
          const auto before = weight.snapshot();
          CHECK(before.fingerprint.has_value() == earlier);
          if (!earlier) array = weight.data();
          CHECK(weight.matches(before));

          const auto flip = [&] {
            if (dtype == Dtype::float32) {
              array.data<float>()[place] += 1.0F;
            } else {
              array.data<double>()[place] += 1.0;
            }
          };
          flip();
          CHECK_FALSE(weight.matches(before));
          // What is written may also be found when the array itself is gone.
          array = Tensor();
          CHECK_FALSE(weight.matches(before));
        }
      }
    }
  }
}

TEST_CASE("a snapshot is compared with its own time, not with another's") {
  Parameter weight("w_weight", Shape({4}));
  fill(weight);
  const auto first = weight.snapshot();
  weight.data().fill(3.0);
  const auto second = weight.snapshot();  // the array is gone, and the values are other ones

  CHECK_FALSE(weight.matches(first));
  CHECK(weight.matches(second));
  weight.data().fill(4.0);
  CHECK_FALSE(weight.matches(second));
  weight.data().fill(3.0);
  CHECK(weight.matches(second));  // the same values do no harm

  weight.set_data(weight.values());
  CHECK_FALSE(weight.matches(second));  // counted, whatever was written
}

TEST_CASE("changes that keep sums and products of the values are found too") {
  Parameter weight("w_weight", Shape({64}));
  fill(weight);
  const Tensor array = weight.data();
  float* const values = array.data<float>();
  for (int i = 0; i < 64; ++i) values[i] = static_cast<float>(i + 1);
  const auto before = weight.snapshot();

  for (int i = 0; i < 64; ++i) values[i] = -values[i];
  CHECK_FALSE(weight.matches(before));
  for (int i = 0; i < 64; ++i) values[i] = -values[i];
  CHECK(weight.matches(before));
  for (const int distance : {1, 2, 4, 8, 16, 32}) {
    std::swap(values[0], values[distance]);
    CHECK_FALSE(weight.matches(before));
    std::swap(values[0], values[distance]);
  }
}

TEST_CASE("casting converts values and gradient, and a plan made before") {
  Parameter now("a_weight", Shape({2}));
  now.initialize(nullptr, std::make_shared<Counting>(0.5), Generator());
  Parameter later("b_weight", Shape({unknown}), deferrable());
  later.initialize(nullptr, std::make_shared<Counting>(0.5), Generator());

  now.cast(Dtype::float64);
  later.cast(Dtype::float64);
  later.set_shape({2});
  later.finish_deferred();

  CHECK(now.data().dtype() == Dtype::float64);
  CHECK(now.grad().dtype() == Dtype::float64);
  CHECK(now.data().data<double>()[1] == 0.5);
  CHECK(later.data().dtype() == Dtype::float64);
}

TEST_CASE("grad_req has three words, and another one is told which") {
  for (const GradReq grad_req : {GradReq::write, GradReq::add, GradReq::null}) {
    CHECK(grad_req_from(to_string(grad_req)) == grad_req);
  }
  CHECK_THROWS_AS(static_cast<void>(grad_req_from("none")), ArgumentError);
}

TEST_CASE("an empty Tensor is not a value") {
  Parameter parameter("w", std::nullopt);
  CHECK_THROWS_WITH_AS(parameter.set_data(Tensor(), true),
                       "expected an array of values for Parameter 'w', found an empty Tensor; "
                       "pass one with numbers",
                       ArgumentError);
  CHECK_FALSE(parameter.is_initialized());
}

/// Looks at a parameter in all ways that change nothing, until the others are done.
void look_at(Parameter& parameter, const std::atomic<bool>& done) {
  while (!done) {
    const std::optional<Shape> shape = parameter.shape();
    const bool ready = parameter.is_initialized();
    if (ready) CHECK(parameter.shape()->is_known());
    if (ready) CHECK(parameter.data().shape() == *parameter.shape());
    static_cast<void>(parameter.state());
    static_cast<void>(parameter.init());
    static_cast<void>(shape && shape->is_known());
  }
}

// Of use under the thread sanitizer.
TEST_CASE("threads may look at a parameter while another runs its layer's first forward") {
  const std::vector<std::pair<std::shared_ptr<Layer>, Shape>> layers = {
      {std::make_shared<Dense>("dense0", 3), {2, 5}},
      {std::make_shared<BatchNorm>("norm0"), {2, 5}},
      {std::make_shared<LayerNorm>("norm1"), {2, 5}},
      {std::make_shared<PReLU>("prelu0", PReLU::Settings{Shape::unknown}), {2, 5}},
      {std::make_shared<Embedding>("embedding0", 5, 4), {2, 5}},
  };
  for (const auto& each : layers) {
    Layer& layer = *each.first;
    CAPTURE(layer.name());
    std::atomic<bool> done = false;
    std::vector<std::thread> threads;
    layer.visit_parameters(
        "", [&](const std::string&, const std::shared_ptr<Parameter>& parameter) {
          parameter->initialize(nullptr, std::make_shared<One>(), Generator());
          threads.emplace_back([&done, parameter] { look_at(*parameter, done); });
        });
    const Tensor x(each.second);

    CHECK(layer.forward(x, {}, nullptr).size() > 0);

    done = true;
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_CASE(
    "a forward and a backward go on with the arrays that they found, though others replace them") {
  for (const bool casts : {false, true}) {
    const auto layer = std::make_shared<Dense>("dense0", 64);
    layer->infer_shape({4, 64});
    layer->visit_parameters("", [](const std::string&, const std::shared_ptr<Parameter>& each) {
      each->initialize(std::make_shared<One>(), nullptr, Generator());
    });
    Sequential net("net");
    net.add(layer);
    Tensor x({4, 64});
    x.fill(1.0);
    std::atomic<bool> done = false;
    std::atomic<int> wrong = 0;
    std::thread replacer([&] {
      Parameter& weight = *layer->weight();
      for (int i = 0; i < 300; ++i) {
        weight.initialize(std::make_shared<One>(), nullptr, Generator(), true);
        weight.set_grad_req(i % 2 == 0 ? GradReq::null : GradReq::write);
        if (casts) weight.cast(i % 2 == 0 ? Dtype::float64 : Dtype::float32);
        if (casts) layer->bias()->cast(weight.dtype());
      }
      done = true;
    });
    while (!done) {
      try {
        if (net(x).data<float>()[255] != 65.0F) ++wrong;
        if (casts) continue;  // which would read the numbers of the gradient that backward writes
        ChainRecord record;
        const Tensor y = net.forward_chain(x, {}, record);
        if (y.data<float>()[0] != 65.0F) ++wrong;
        static_cast<void>(net.backward_chain(y, record, true, BackwardPass()));
      } catch (const InputError&) {
        // The layer was of float64, or its weight another one in backward than in forward.
      }
    }
    replacer.join();
    CHECK(wrong == 0);
  }
}

/// Destroyed where it may take a lock that others hold while they wait for the parameter, as
/// Python's initializers do.
class LocksAtEnd : public Initializer {
 public:
  LocksAtEnd(std::mutex& mutex, std::atomic<int>& destroyed)
      : mutex_(&mutex), destroyed_(&destroyed) {}
  ~LocksAtEnd() override {
    const std::lock_guard lock(*mutex_);
    ++*destroyed_;
  }
  void init_weight(const InitDesc&, const Tensor& out, Generator&) const override { out.fill(1.0); }

 private:
  std::mutex* mutex_;
  std::atomic<int>* destroyed_;
};

TEST_CASE("initializers are destroyed outside the parameter's lock") {
  std::mutex global;  // Python's lock
  std::atomic<int> destroyed = 0;
  constexpr int rounds = 200;
  for (int i = 0; i < rounds; ++i) {
    Parameter weight("w_weight", Shape({2, unknown}), deferrable());
    weight.initialize(nullptr, std::make_shared<LocksAtEnd>(global, destroyed), Generator());
    std::atomic<bool> done = false;
    std::thread other([&] {
      while (!done) {
        const std::lock_guard lock(global);
        static_cast<void>(weight.shape());
      }
    });
    weight.set_shape({2, 3});
    if (i % 2 == 0) {
      weight.finish_deferred();
    } else {
      weight.set_data(Tensor({2, 3}));
    }
    done = true;
    other.join();
  }
  CHECK(destroyed == rounds);
}

}  // namespace
}  // namespace glueball
