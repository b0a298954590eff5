#include "glueball/parameter.h"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <thread>
#include <utility>

#include "glueball/error.h"
#include "product.h"
#include "refuse.h"
#include "single_thread.h"

namespace glueball {
namespace {

std::atomic<std::uint64_t> last_pass{0};
std::atomic<std::uint64_t> last_parameter{0};

std::string describe(const std::optional<Shape>& shape) {
  return shape ? to_string(*shape) : "None";
}

/// A number that differs, but for one chance in 2^64, where a bit of the values does: four lanes of
/// xxHash64's rounds (Y. Collet, "XXH64 algorithm description"), 32 bytes at a time.
std::uint64_t fingerprint(const Tensor& values) {
  constexpr std::uint64_t first = 0x9E3779B185EBCA87;
  constexpr std::uint64_t second = 0xC2B2AE3D27D4EB4F;
  const auto round = [](std::uint64_t lane, std::uint64_t word) {
    return std::rotl(lane + word * second, 31) * first;
  };
  const auto* bytes = static_cast<const std::byte*>(values.raw());
  std::size_t left = values.bytes();
  std::array<std::uint64_t, 4> lanes{first, second, 0, ~first};
  std::array<std::uint64_t, 4> words{};
  for (; left >= sizeof words; left -= sizeof words, bytes += sizeof words) {
    std::memcpy(words.data(), bytes, sizeof words);
    for (std::size_t i = 0; i < lanes.size(); ++i) lanes[i] = round(lanes[i], words[i]);
  }
  words.fill(0);
  if (left > 0) std::memcpy(words.data(), bytes, left);
  std::uint64_t all = values.bytes();
  for (std::size_t i = 0; i < lanes.size(); ++i) all = round(all, round(lanes[i], words[i]));
  return all ^ (all >> 32);
}

}  // namespace

GradReq grad_req_from(const std::string& word) {
  if (word == "write") return GradReq::write;
  if (word == "add") return GradReq::add;
  if (word == "null") return GradReq::null;
  refuse<ArgumentError>({"grad_req to be one of 'write', 'add', or 'null'"}, {"'", word, "'"},
                        {"'write' overwrites the gradient in each backward, 'add' accumulates it, "
                         "'null' computes none"});
}

std::string to_string(GradReq grad_req) {
  switch (grad_req) {
    case GradReq::write:
      return "write";
    case GradReq::add:
      return "add";
    case GradReq::null:
      return "null";
  }
  return {};
}

BackwardPass::BackwardPass() noexcept : id_(++last_pass) {}

BackwardPass::BackwardPass(const std::vector<std::shared_ptr<Parameter>>& wanted)
    : id_(++last_pass), apart_(std::make_shared<std::vector<Collected>>()) {
  for (const auto& parameter : wanted) apart_->push_back({parameter, {}});
}

Tensor BackwardPass::collected(const Parameter& parameter) const {
  if (apart_ == nullptr) return {};
  for (const Collected& each : *apart_) {
    if (each.parameter.get() == &parameter) return each.grad;
  }
  return {};
}

std::uint64_t Parameter::next_id() noexcept { return ++last_parameter; }

Parameter::Parameter(std::string name, std::optional<Shape> shape, Settings settings)
    : name_(std::move(name)), shape_(shape), settings_(std::move(settings)) {
  if (!settings_.differentiable) settings_.grad_req = GradReq::null;
}

Parameter::Parameter(std::string name, std::optional<Shape> shape)
    : Parameter(std::move(name), shape, Settings{}) {}

Parameter::~Parameter() = default;

void Parameter::set_grad_req(GradReq grad_req) {
  const std::lock_guard lock(mutex_);
  if (!settings_.differentiable) return;
  settings_.grad_req = grad_req;
  ++generation_;
  if (grad_req == GradReq::null) {
    grad_ = Tensor();
  } else if (state_ == State::initialized && !grad_.defined()) {
    grad_ = Tensor(data_.shape(), data_.dtype());
  }
}

void Parameter::set_shape(const Shape& shape) {
  const std::lock_guard lock(mutex_);
  if (!shape_) {
    shape_ = shape;
    return;
  }
  if (!shape_->is_compatible(shape)) throw ShapeError(name_, to_string(shape), to_string(*shape_));
  shape_ = shape_->merged(shape);
}

Tensor Parameter::filled(const Plan& plan) const {
  // Zeros, not undefined memory: an initializer may leave elements alone, as Gluon's users' do.
  Tensor values(*shape_, settings_.dtype);
  InitDesc desc(name_);
  desc.own = plan.own;
  desc.of_parameter = true;
  Generator rng = plan.stream;
  (*plan.fallback)(desc, values, rng);
  return values;
}

Parameter::Arrays Parameter::with_gradient(Tensor data) const {
  Tensor grad = settings_.grad_req == GradReq::null ? Tensor() : Tensor(data.shape(), data.dtype());
  return {std::move(data), std::move(grad)};
}

void Parameter::publish(Arrays arrays) noexcept {
  drop_panels();
  ++generation_;
  ++version_;
  data_ = std::move(arrays.data);
  grad_ = std::move(arrays.grad);
  grad_pass_ = 0;
  grad_fresh_ = false;
  shape_ = data_.shape();
  settings_.dtype = data_.dtype();
  // The plan holds the initializer, and a Python initializer may hold this parameter: let go.
  plan_.reset();
  state_ = State::initialized;
}

bool Parameter::initialize(std::shared_ptr<const Initializer> own,
                           std::shared_ptr<const Initializer> fallback, Generator stream,
                           bool force) {
  Plan plan{own ? std::move(own) : settings_.init,
            fallback ? std::move(fallback) : default_initializer(), stream};
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::initialized && !force) return false;
    if (!shape_ || !shape_->is_known()) {
      if (!settings_.allow_deferred_init) {
        refuse<ArgumentError>(
            {"a shape whose axes are all known, to initialize Parameter '", name_, "'"},
            {describe(shape_)}, {"give the shape, or allow_deferred_init=True to wait for data"});
      }
      plan_ = std::move(plan);
      state_ = State::deferred;
      return true;
    }
  }
  // Outside the lock: a Python initializer takes the GIL, and may look at this very parameter.
  Tensor values = filled(plan);
  const std::lock_guard lock(mutex_);
  publish(with_gradient(std::move(values)));
  return true;
}

void Parameter::finish_deferred() {
  std::unique_lock lock(mutex_);
  // An initializer that runs the net which it is filling would wait for itself.
  if (filling_ && filler_ == std::this_thread::get_id()) throw_not_initialized();
  // Another thread may be filling: its values are as good as ours, and filling twice is forbidden.
  filled_.wait(lock, [this] { return !filling_; });
  if (state_ == State::initialized) return;
  if (state_ == State::uninitialized || !shape_ || !shape_->is_known()) throw_not_initialized();

  filling_ = true;
  filler_ = std::this_thread::get_id();
  const Plan plan = *plan_;
  lock.unlock();
  struct Done {  // also when the initializer throws, which leaves the plan for the next try
    Parameter& parameter;
    std::unique_lock<std::mutex>& lock;
    ~Done() {
      if (!lock.owns_lock()) lock.lock();
      parameter.filling_ = false;
      parameter.filled_.notify_all();
    }
  } done{*this, lock};
  Tensor values = filled(plan);
  lock.lock();
  // set_data() in the meantime wins: the user's numbers are not overwritten.
  if (state_ == State::deferred) publish(with_gradient(std::move(values)));
}

void Parameter::throw_not_initialized() const {
  if (state_ == State::deferred) throw DeferredInitializationError(name_);
  throw UninitializedError(name_);
}

const Tensor& Parameter::grad() const {
  if (state_ != State::initialized) throw_not_initialized();
  if (!grad_.defined()) throw NoGradientError(name_);
  return grad_;
}

void Parameter::set_data(const Tensor& values, bool create) {
  const std::lock_guard lock(mutex_);
  if (!values.defined() && values.shape().rank() == 0) {
    refuse<ArgumentError>({"an array of values for Parameter '", name_, "'"},
                          {"a Tensor that refers to nothing"}, {"pass one with numbers"});
  }
  if (shape_ && !shape_->is_compatible(values.shape())) {
    throw ShapeError(name_, to_string(values.shape()), to_string(*shape_));
  }
  if (state_ == State::initialized) {
    data_.copy_from(values);
    ++version_;
    drop_panels();
  } else if (state_ == State::deferred || create) {
    publish(with_gradient(values.cast(settings_.dtype)));
  } else {
    throw UninitializedError(name_);
  }
}

Parameter::Arrays Parameter::allocate(const Shape& shape, Dtype dtype) const {
  return with_gradient(Tensor::uninitialized(shape, dtype));
}

void Parameter::adopt(Arrays arrays) noexcept {
  const std::lock_guard lock(mutex_);
  publish(std::move(arrays));
}

Parameter::Snapshot Parameter::snapshot() {
  const Tensor& values = this->values();
  Snapshot snapshot{version_, std::nullopt};
  // In this order: a data() that the count does not show yet will find that it is watched.
  watched_version_.store(
      version_, is_single_threaded() ? std::memory_order_relaxed : std::memory_order_seq_cst);
  const bool lent = values.buffer()->use_count() != 1 || witnessed_version_.load() == version_;
  if (lent) snapshot.fingerprint = fingerprint(values);
  return snapshot;
}

void Parameter::witness() const {
  const std::lock_guard lock(mutex_);
  if (witnessed_version_.load() == version_) return;
  witnessed_ = fingerprint(data_);
  witnessed_version_.store(version_);
}

bool Parameter::matches(const Snapshot& snapshot) const {
  if (snapshot.version != version_) return false;
  if (snapshot.fingerprint) return *snapshot.fingerprint == fingerprint(values());
  // Nobody could write them then; who can since, got them from data().
  return witnessed_version_.load() != version_ || witnessed_ == fingerprint(values());
}

const Tensor* Parameter::make_panels() {
  const Tensor& values = this->values();
  const std::lock_guard lock(mutex_);
  if (const Tensor* made = panels()) return made;
  // In this order: a data() that the count does not show yet will find this state, and reset it.
  panels_state_.store(PanelsState::in_the_making);
  if (values.buffer()->use_count() != 1) {
    drop_panels();
    return nullptr;
  }
  const std::int64_t units = values.shape()[0];
  const std::int64_t width = values.shape()[1];
  const bool single = values.dtype() == Dtype::float32;
  Tensor made = Tensor::uninitialized(
      {single ? packed_size<float>(width, units) : packed_size<double>(width, units)},
      values.dtype());
  if (single) {
    pack(values.data<float>(), 1, width, width, units, made.data<float>());
  } else {
    pack(values.data<double>(), 1, width, width, units, made.data<double>());
  }
  if (rounds_inference_) {
    const Tensor rounded = Tensor::uninitialized({(made.size() + 1) / 2});
    to_bfloat16(made.data<float>(), made.size(), static_cast<std::uint16_t*>(rounded.raw()));
    if (made.size() % 2 != 0) static_cast<std::uint16_t*>(rounded.raw())[made.size()] = 0;
    made = rounded;
  }
  // Another thread may be reading the former ones: they stay if they turn out to be right.
  const bool same = panels_.defined() && panels_.dtype() == made.dtype() &&
                    panels_.size() == made.size() &&
                    std::memcmp(panels_.raw(), made.raw(), made.bytes()) == 0;
  if (!same) panels_ = std::move(made);
  PanelsState expected = PanelsState::in_the_making;
  return panels_state_.compare_exchange_strong(expected, PanelsState::valid) ? &panels_ : nullptr;
}

void Parameter::set_rounds_inference(bool rounds) {
  const std::lock_guard lock(mutex_);
  if (rounds && settings_.dtype != Dtype::float32) {
    refuse<DtypeError>({"a parameter of float32 for inference in bfloat16"},
                       {"Parameter '", name_, "' of ", settings_.dtype},
                       {"cast it to float32 first"});
  }
  rounds_inference_ = rounds;
  drop_panels();
}

void Parameter::zero_grad() {
  if (grad_.defined()) grad_.fill(0.0);
}

Parameter::GradTarget Parameter::grad_target(const BackwardPass& pass) {
  if (pass.apart_ != nullptr) {
    for (BackwardPass::Collected& each : *pass.apart_) {
      if (each.parameter.get() != this) continue;
      const bool accumulate = each.grad.defined();
      if (accumulate &&
          (each.grad.shape() != data_.shape() || each.grad.dtype() != data_.dtype())) {
        refuse<InputError>({"Parameter '", name_, "' as it was earlier in this pass, ",
                            each.grad.shape(), ", ", each.grad.dtype()},
                           {data_.shape(), ", ", data_.dtype()},
                           {"make a new BackwardPass after a cast or initialize"});
      }
      if (!accumulate) each.grad = Tensor::uninitialized(data_.shape(), data_.dtype());
      return {&each.grad, accumulate};
    }
    return {};
  }
  if (!grad_.defined()) return {};
  const bool same = grad_pass_ == pass.id();
  if (!same) {
    const bool continues =
        grad_fresh_ && grad_version_ == version_ && grad_passes_ < passes_per_step_;
    grad_passes_ = continues ? grad_passes_ + 1 : 1;
    grad_version_ = version_;
  }
  grad_pass_ = pass.id();
  grad_fresh_ = true;
  return {&grad_, same || grad_passes_ > 1 || settings_.grad_req == GradReq::add};
}

void Parameter::set_passes_per_step(unsigned passes) { passes_per_step_ = std::max(passes, 1U); }

void Parameter::cast(Dtype dtype) {
  const std::lock_guard lock(mutex_);
  settings_.dtype = dtype;
  rounds_inference_ = false;
  if (state_ != State::initialized) return;
  drop_panels();
  ++generation_;
  ++version_;  // the numbers are rounded, also after a cast back
  data_ = data_.cast(dtype);
  if (grad_.defined()) grad_ = grad_.cast(dtype);
}

}  // namespace glueball
