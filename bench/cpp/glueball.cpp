// glueball's own C++ interface, used as README.md shows it.
#include <glueball/glueball.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "competitors.h"

namespace bench {
namespace {

using glueball::Dense;
using glueball::Sequential;
using glueball::Shape;
using glueball::Tensor;

Tensor tensor(const std::vector<float>& values, const Shape& shape) {
  Tensor made(shape);
  std::copy(values.begin(), values.end(), made.data<float>());
  return made;
}

std::vector<float> values_of(const Tensor& values) {
  return {values.data<float>(), values.data<float>() + values.size()};
}

std::shared_ptr<Sequential> build(const Net& net) {
  auto model = std::make_shared<Sequential>(net.name);
  for (std::size_t i = 0; i < net.layers(); ++i) {
    Dense::Settings settings;
    settings.in_units = net.sizes[i];
    if (i + 1 < net.layers()) settings.activation = glueball::ActivationKind::relu;
    const auto layer =
        std::make_shared<Dense>("dense" + std::to_string(i), net.sizes[i + 1], settings);
    layer->weight()->set_data(tensor(weight(net, i), {net.sizes[i + 1], net.sizes[i]}), true);
    layer->bias()->set_data(tensor(bias(net, i), {net.sizes[i + 1]}), true);
    model->add(layer);
  }
  return model;
}

bool set_threads(int threads) {
  glueball::set_num_threads(threads);
  return true;
}

Run forward(const Net& net) {
  const auto model = build(net);
  const Tensor x = tensor(inputs(net), {net.batch, net.sizes.front()});
  const auto y = std::make_shared<Tensor>();
  return {[=] { *y = (*model)(x); }, [=] { return values_of(*y); }};
}

Run train(const Net& net, float rate) {
  const auto model = build(net);
  const Tensor x = tensor(inputs(net), {net.batch, net.sizes.front()});
  const std::vector<std::int64_t> classes = labels(net);
  std::vector<std::shared_ptr<glueball::Parameter>> parameters;
  for (const auto& entry : model->collect_parameters()) parameters.push_back(entry.second);
  glueball::Optimizer::Settings settings;
  settings.learning_rate = rate;
  settings.rescale_grad = 1.0 / static_cast<double>(net.batch);
  const auto sgd = std::make_shared<glueball::SGD>(settings, momentum);
  Tensor ones({net.batch});
  ones.fill(1.0);

  const auto record = std::make_shared<glueball::ChainRecord>();  // one for all steps

  const auto step = [=] {
    glueball::ForwardMode training;
    training.training = true;
    const Tensor logits = model->forward_chain(x, training, *record);
    const glueball::LossRecord loss =
        glueball::softmax_cross_entropy(logits, classes.data(), net.batch);
    const glueball::BackwardPass pass;
    model->backward_chain(glueball::softmax_cross_entropy_backward(loss, classes.data(), ones),
                          *record, false, pass);
    sgd->update(parameters);
  };
  return {step, [=] { return values_of(parameters.front()->data()); }};
}

}  // namespace

const Competitor glueball_competitor = {"glueball", set_threads, forward, train};

}  // namespace bench
