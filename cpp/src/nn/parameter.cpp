#include "glueball/parameter.h"

#include <utility>

#include "core/read_section.h"
#include "core/refuse.h"
#include "nn/parameter.h"

namespace glueball {
namespace {

constinit std::atomic<std::uint64_t> last_parameter{0};

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

Tensor InitPlan::values(const std::string& name, const Shape& shape, Dtype dtype) const {
  // Zeros, not undefined memory: an initializer may leave elements alone, as Gluon's users' do.
  Tensor values(shape, dtype);
  InitDesc desc(name);
  desc.own = own;
  desc.of_parameter = true;
  Generator rng = stream;
  (*fallback)(desc, values, rng);
  return values;
}

/// What a change under the lock takes away: destroyed after it, since initializers may be Python's.
struct Parameter::Replaced {
  std::optional<InitPlan> plan;
  std::unique_ptr<const Arrays> arrays;

  Replaced() = default;
  ~Replaced() { retire(std::move(arrays)); }
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;
};

Parameter::Parameter(std::string name, std::optional<Shape> shape, Settings settings)
    : id_(++last_parameter),
      name_(std::move(name)),
      differentiable_(settings.differentiable),
      allow_deferred_init_(settings.allow_deferred_init),
      dtype_(settings.dtype),
      grad_req_(settings.differentiable ? settings.grad_req : GradReq::null),
      lr_mult_(settings.lr_mult),
      wd_mult_(settings.wd_mult),
      parts_(std::make_unique<Parts>()) {
  parts_->shape = shape;
  parts_->init = std::move(settings.init);
}

Parameter::Parameter(std::string name, std::optional<Shape> shape)
    : Parameter(std::move(name), shape, Settings{}) {}

Parameter::~Parameter() { delete arrays_.load(std::memory_order_acquire); }

std::shared_ptr<const Initializer> Parameter::init() const {
  const std::lock_guard lock(parts_->mutex);
  return parts_->init;
}

void Parameter::set_init(std::shared_ptr<const Initializer> init) {
  const std::lock_guard lock(parts_->mutex);
  parts_->init.swap(init);  // the former one goes with the argument, after the lock
}

void Parameter::set_grad_req(GradReq grad_req) {
  if (!differentiable_) return;
  Replaced replaced;
  const std::lock_guard lock(parts_->mutex);
  const Arrays* const now = arrays_.load(std::memory_order_relaxed);
  if (now != nullptr && now->grad.defined() != (grad_req != GradReq::null)) {
    auto changed = std::make_unique<Arrays>(Arrays{now->data, {}});
    if (grad_req != GradReq::null) changed->grad = Tensor(now->data.shape(), now->data.dtype());
    replaced.arrays.reset(arrays_.exchange(changed.release(), std::memory_order_acq_rel));
    parts_->passes.restart();
  }
  grad_req_.store(grad_req, std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_relaxed);
}

std::optional<Shape> Parameter::shape() const {
  {
    const ReadSection section;
    if (const Arrays* const arrays = find_arrays()) return arrays->data.shape();
  }
  const std::lock_guard lock(parts_->mutex);
  return parts_->shape;
}

void Parameter::set_shape(const Shape& shape) {
  const std::lock_guard lock(parts_->mutex);
  std::optional<Shape>& known = parts_->shape;
  if (known && !known->is_compatible(shape)) {
    throw ShapeError(name_, to_string(shape), to_string(*known));
  }
  known = known ? known->merged(shape) : shape;
}

std::unique_ptr<Parameter::Arrays> Parameter::with_gradient(Tensor data) const {
  Tensor grad = grad_req() == GradReq::null ? Tensor() : Tensor(data.shape(), data.dtype());
  return std::make_unique<Arrays>(Arrays{std::move(data), std::move(grad)});
}

void Parameter::publish(std::unique_ptr<const Arrays> arrays, Replaced& replaced) noexcept {
  parts_->packed.drop();
  parts_->passes.restart();
  parts_->shape = arrays->data.shape();
  // The plan holds the initializer, and a Python initializer may hold this parameter: let go.
  replaced.plan.swap(parts_->plan);
  dtype_.store(arrays->data.dtype(), std::memory_order_relaxed);
  generation_.fetch_add(1, std::memory_order_relaxed);
  mark_written();
  replaced.arrays.reset(arrays_.exchange(arrays.release(), std::memory_order_acq_rel));
}

bool Parameter::initialize(std::shared_ptr<const Initializer> own,
                           std::shared_ptr<const Initializer> fallback, Generator stream,
                           bool force) {
  InitPlan plan{own ? std::move(own) : init(),
                fallback ? std::move(fallback) : default_initializer(), stream};
  Replaced replaced;
  Shape known;
  {
    const std::lock_guard lock(parts_->mutex);
    if (is_initialized() && !force) return false;
    const std::optional<Shape>& shape = parts_->shape;
    if (!shape || !shape->is_known()) {
      if (!allow_deferred_init_) {
        refuse<ArgumentError>(
            {"a shape whose axes are all known, to initialize Parameter '", name_, "'"}, {shape},
            {"give the shape, or allow_deferred_init=True to wait for data"});
      }
      replaced.plan.swap(parts_->plan);
      parts_->plan = std::move(plan);
      planned_.store(true, std::memory_order_release);
      return true;
    }
    known = *shape;
  }
  // Outside the lock: a Python initializer takes the GIL, and may look at this very parameter.
  std::unique_ptr<const Arrays> arrays = with_gradient(plan.values(name_, known, dtype()));
  const std::lock_guard lock(parts_->mutex);
  publish(std::move(arrays), replaced);
  return true;
}

void Parameter::finish_deferred() {
  InitPlan plan;
  Replaced replaced;
  Parts& parts = *parts_;
  std::unique_lock lock(parts.mutex);
  // An initializer that runs the net which it is filling would wait for itself.
  if (parts.filling.is_mine()) throw_not_initialized();
  // Another thread may be filling: its values are as good as ours, and filling twice is forbidden.
  parts.filling.wait(lock);
  if (is_initialized()) return;
  if (!parts.plan || !parts.shape || !parts.shape->is_known()) throw_not_initialized();

  plan = *parts.plan;
  const Shape shape = *parts.shape;
  parts.filling.begin();
  lock.unlock();
  struct End {  // also when the initializer throws, which leaves the plan for the next try
    Filling& filling;
    std::unique_lock<Mutex<Rank::parameter>>& lock;
    ~End() {
      if (!lock.owns_lock()) lock.lock();
      filling.end();
    }
  } end{parts.filling, lock};
  std::unique_ptr<const Arrays> arrays = with_gradient(plan.values(name_, shape, dtype()));
  lock.lock();
  // set_data() in the meantime wins: the user's numbers are not overwritten.
  if (!is_initialized()) publish(std::move(arrays), replaced);
}

void Parameter::throw_not_initialized() const {
  if (state() == State::deferred) throw DeferredInitializationError(name_);
  throw UninitializedError(name_);
}

Tensor Parameter::data() const {
  const ReadSection section;
  Tensor data = values();
  parts_->packed.drop();  // after the copy: PackedWeights::make() looks how many there are
  if (const std::uint64_t now = version(); parts_->watch.is_watched(now)) {
    const std::lock_guard lock(parts_->mutex);
    parts_->watch.witness(data, now);
  }
  return data;
}

Tensor Parameter::grad() const {
  const ReadSection section;
  const Tensor& grad = arrays().grad;
  if (!grad.defined()) throw NoGradientError(name_);
  return grad;
}

bool Parameter::has_grad() const noexcept {
  const ReadSection section;
  const Arrays* const arrays = find_arrays();
  return arrays != nullptr && arrays->grad.defined();
}

void Parameter::set_data(const Tensor& values, bool create) {
  Replaced replaced;
  const std::lock_guard lock(parts_->mutex);
  if (!values.defined() && values.shape().rank() == 0) {
    refuse<ArgumentError>({"an array of values for Parameter '", name_, "'"}, {"an empty Tensor"},
                          {"pass one with numbers"});
  }
  const std::optional<Shape>& shape = parts_->shape;
  if (shape && !shape->is_compatible(values.shape())) {
    throw ShapeError(name_, to_string(values.shape()), to_string(*shape));
  }
  if (is_initialized()) {
    this->values().copy_from(values);
    mark_written();
    parts_->packed.drop();
  } else if (state() == State::deferred || create) {
    publish(with_gradient(values.cast(dtype())), replaced);
  } else {
    throw UninitializedError(name_);
  }
}

std::unique_ptr<Parameter::Arrays> Parameter::allocate(const Shape& shape, Dtype dtype) const {
  return with_gradient(Tensor::uninitialized(shape, dtype));
}

void Parameter::adopt(std::unique_ptr<const Arrays> arrays) noexcept {
  Replaced replaced;
  const std::lock_guard lock(parts_->mutex);
  publish(std::move(arrays), replaced);
}

Parameter::Snapshot Parameter::snapshot() {
  const ReadSection section;
  return parts_->watch.snapshot(values(), version());
}

bool Parameter::matches(const Snapshot& snapshot) const {
  const ReadSection section;
  return parts_->watch.matches(snapshot, values(), version());
}

bool Parameter::rounds_inference() const noexcept { return parts_->packed.rounds(); }

void Parameter::set_rounds_inference(bool rounds) {
  const std::lock_guard lock(parts_->mutex);
  if (rounds && dtype() != Dtype::float32) {
    refuse<DtypeError>({"a parameter of float32 for inference in bfloat16"},
                       {"Parameter '", name_, "' of ", dtype()}, {"cast it to float32 first"});
  }
  parts_->packed.set_rounds(rounds);
}

void Parameter::zero_grad() {
  const ReadSection section;
  if (!has_grad()) return;
  arrays().grad.fill(0.0);
  parts_->passes.forget();
}

GradTarget Parameter::grad_target(const BackwardPass& pass, const Arrays& arrays) {
  if (pass.collects()) return pass.target(*this, arrays.data, name_);
  if (!arrays.grad.defined()) return {};
  return {&arrays.grad, parts_->passes.begin(pass.id(), version(), grad_req() == GradReq::add)};
}

void Parameter::set_passes_per_step(unsigned passes) { parts_->passes.set_most(passes); }

bool Parameter::grad_is_fresh() const noexcept { return parts_->passes.is_fresh(); }

bool Parameter::grad_was_computed() const noexcept { return parts_->passes.has_begun(); }

void Parameter::mark_stale() noexcept {
  parts_->passes.mark_used();
  mark_written();
  parts_->packed.drop();
}

void Parameter::cast(Dtype dtype) {
  Replaced replaced;
  const std::lock_guard lock(parts_->mutex);
  parts_->packed.set_rounds(false);
  if (const Arrays* const now = arrays_.load(std::memory_order_relaxed)) {
    auto changed = std::make_unique<const Arrays>(
        Arrays{now->data.cast(dtype), now->grad.defined() ? now->grad.cast(dtype) : Tensor()});
    generation_.fetch_add(1, std::memory_order_relaxed);
    mark_written();  // the numbers are rounded, also after a cast back
    replaced.arrays.reset(arrays_.exchange(changed.release(), std::memory_order_acq_rel));
    parts_->packed.drop();
  }
  dtype_.store(dtype, std::memory_order_relaxed);
}

}  // namespace glueball
