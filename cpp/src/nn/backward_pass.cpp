#include "glueball/backward_pass.h"

#include <algorithm>
#include <atomic>
#include <string>

#include "core/describe.h"
#include "core/refuse.h"

namespace glueball {
namespace {

constinit std::atomic<std::uint64_t> last_pass{0};

}  // namespace

BackwardPass::BackwardPass() noexcept : id_(++last_pass) {}

BackwardPass::BackwardPass(const std::vector<std::shared_ptr<Parameter>>& wanted)
    : id_(++last_pass), apart_(std::make_shared<std::vector<Collected>>()) {
  for (const auto& parameter : wanted) apart_->push_back({parameter, {}});
}

BackwardPass::Collected* BackwardPass::place_of(const Parameter& parameter) const {
  const auto place = std::ranges::find_if(
      *apart_, [&parameter](const Collected& each) { return each.parameter.get() == &parameter; });
  return place == apart_->end() ? nullptr : &*place;
}

Tensor BackwardPass::collected(const Parameter& parameter) const {
  if (!collects()) return {};
  const Collected* const place = place_of(parameter);
  return place == nullptr ? Tensor() : place->grad;
}

GradTarget BackwardPass::target(const Parameter& parameter, const Tensor& values,
                                const std::string& name) const {
  Collected* const place = place_of(parameter);
  if (place == nullptr) return {};
  Tensor& grad = place->grad;
  const bool accumulate = grad.defined();
  if (accumulate && (grad.shape() != values.shape() || grad.dtype() != values.dtype())) {
    refuse<InputError>({"Parameter '", name, "' as it was earlier in this pass, ", describe(grad)},
                       {describe(values)}, {"make a new BackwardPass after a cast or initialize"});
  }
  if (!accumulate) grad = Tensor::uninitialized(values.shape(), values.dtype());
  return {&grad, accumulate};
}

}  // namespace glueball
