// Eigen alone: what one writes by hand, with every array that can be reused. Compiled for the
// machine it runs on, and with Eigen's own threads, which need OpenMP.
#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "competitors.h"

namespace bench {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::RowVectorXf;
using Eigen::Index;

Matrix matrix(const std::vector<float>& values, Index rows, Index columns) {
  return Eigen::Map<const Matrix>(values.data(), rows, columns);
}

std::vector<float> values_of(const Matrix& values) {
  return {values.data(), values.data() + values.size()};
}

struct Layer {
  Matrix weight;  // (units, in_units)
  Row bias;
  Matrix output;  // (batch, units)
};

struct Model {
  explicit Model(const Net& net) : x(matrix(inputs(net), net.batch, net.sizes.front())) {
    for (std::size_t i = 0; i < net.layers(); ++i) {
      const Index units = net.sizes[i + 1];
      layers.push_back({matrix(bench::weight(net, i), units, net.sizes[i]),
                        matrix(bench::bias(net, i), 1, units), Matrix(net.batch, units)});
    }
  }

  void forward() {
    const Matrix* input = &x;
    for (Layer& layer : layers) {
      layer.output.noalias() = *input * layer.weight.transpose();
      layer.output.rowwise() += layer.bias;
      if (&layer != &layers.back()) layer.output = layer.output.cwiseMax(0.0F);
      input = &layer.output;
    }
  }

  Matrix x;
  std::vector<Layer> layers;
};

struct Training {
  Training(const Net& net, float learning_rate)
      : model(net), classes(labels(net)), rate(learning_rate) {
    for (const Layer& layer : model.layers) {
      steps.push_back({Matrix::Zero(layer.weight.rows(), layer.weight.cols()),
                       Matrix(layer.weight.rows(), layer.weight.cols()),
                       Row::Zero(layer.bias.size()), Matrix(layer.output)});
    }
  }

  void step() {
    model.forward();
    const Index batch = model.x.rows();
    const Matrix& logits = model.layers.back().output;
    Matrix& last = steps.back().output_grad;
    last = (logits.colwise() - logits.rowwise().maxCoeff().eval()).array().exp();
    last.array().colwise() /= last.rowwise().sum().eval().array();
    loss = 0;
    for (Index i = 0; i < batch; ++i) {
      float& right = last(i, classes[static_cast<std::size_t>(i)]);
      loss -= std::log(right) / static_cast<float>(batch);
      right -= 1;
    }
    last /= static_cast<float>(batch);

    for (std::size_t i = steps.size(); i-- > 0;) {
      Layer& layer = model.layers[i];
      Step& own = steps[i];
      const Matrix& input = i == 0 ? model.x : model.layers[i - 1].output;
      own.weight_grad.noalias() = own.output_grad.transpose() * input;
      if (i > 0) {
        steps[i - 1].output_grad.noalias() = own.output_grad * layer.weight;
        steps[i - 1].output_grad.array() *= (input.array() > 0).cast<float>();
      }
      own.bias_momentum = momentum * own.bias_momentum - rate * own.output_grad.colwise().sum();
      layer.bias += own.bias_momentum;
      own.weight_momentum = momentum * own.weight_momentum - rate * own.weight_grad;
      layer.weight += own.weight_momentum;
    }
  }

  struct Step {
    Matrix weight_momentum;
    Matrix weight_grad;
    Row bias_momentum;
    Matrix output_grad;
  };
  Model model;
  std::vector<std::int64_t> classes;
  float rate;
  std::vector<Step> steps;
  float loss = 0;
};

bool set_threads(int threads) {
  Eigen::setNbThreads(threads);
  return Eigen::nbThreads() == threads;
}

Run forward(const Net& net) {
  const auto model = std::make_shared<Model>(net);
  return {[=] { model->forward(); }, [=] { return values_of(model->layers.back().output); }};
}

Run train(const Net& net, float rate) {
  const auto training = std::make_shared<Training>(net, rate);
  return {[=] { training->step(); },
          [=] { return values_of(training->model.layers.front().weight); }};
}

}  // namespace

const Competitor eigen_competitor = {"Eigen", set_threads, forward, train};

}  // namespace bench
