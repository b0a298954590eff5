#include "glueball/sequential.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/error.h"
#include "glueball/flatten.h"
#include "gradient_check.h"
#include "nn/inference.h"

namespace glueball {
namespace {

using test::random_tensor;

std::shared_ptr<Dense> dense(const std::string& name, std::int64_t units,
                             ActivationFunction activation = {}, Dtype dtype = Dtype::float64) {
  Dense::Settings settings;
  settings.activation = activation;
  settings.dtype = dtype;
  return std::make_shared<Dense>(name, units, settings);
}

std::vector<std::string> paths_of(const Sequential& net) {
  std::vector<std::string> paths;
  for (const auto& [path, parameter] : net.collect_parameters()) paths.push_back(path);
  return paths;
}

/// Runs `body` on 256 KB of stack: recursion over ten thousand layers would overflow it.
void on_a_small_stack(std::function<void()> body) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &body) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

TEST_CASE("a chain is its layers, one after the other") {
  Sequential net("net");
  net.add(dense("dense0", 5, ActivationKind::relu));
  net.add(dense("dense1", 2));
  net.infer_shape({3, 4});
  test::initialize_all(net);
  const Tensor x = random_tensor({3, 4}, 1);

  const Tensor y = net(x);

  const Tensor hidden = net.layers()[0]->forward(x, {}, nullptr);
  CHECK(test::relative_error(y, net.layers()[1]->forward(hidden, {}, nullptr)) == 0.0);
}

TEST_CASE("shapes are inferred through the whole chain without data") {
  Sequential net("net");
  net.add(std::make_shared<Flatten>("flatten0"));
  net.add(dense("dense0", 5));
  net.add(std::make_shared<Activation>("relu0", ActivationKind::relu));
  net.add(dense("dense1", 2));

  CHECK(net.infer_shape({Shape::unknown, 3, 4}) == Shape{Shape::unknown, 2});
  CHECK(*net.collect_parameters()[0].second->shape() == Shape{5, 12});
  CHECK(*net.collect_parameters()[2].second->shape() == Shape{2, 5});
}

TEST_CASE(
    "gradients of a chain, nested and with every kind of layer, agree with central differences") {
  auto inner = std::make_shared<Sequential>("inner");
  inner->add(dense("dense1", 6, ActivationKind::gelu));
  inner->add(std::make_shared<Dropout>("dropout0", 0.5));
  inner->add(std::make_shared<Activation>("tanh0", ActivationKind::tanh));
  Sequential net("net");
  net.add(std::make_shared<Flatten>("flatten0"));
  net.add(dense("dense0", 5, ActivationKind::sigmoid));
  net.add(inner);
  net.add(dense("dense2", 3));
  net.infer_shape({4, 2, 3});
  test::initialize_all(net);

  test::check_gradients(net, random_tensor({4, 2, 3}, 2));
}

TEST_CASE("gradients through every activation between dense layers agree with differences") {
  for (const std::string& name : activation_names()) {
    CAPTURE(name);
    Dense::Settings settings;
    settings.dtype = Dtype::float64;
    settings.activation = ActivationFunction(name);
    Sequential net("net");
    net.add(std::make_shared<Dense>("dense0", 5, settings));
    net.add(std::make_shared<Dense>("dense1", 70, settings));  // more than one panel
    settings.activation = ActivationKind::identity;
    net.add(std::make_shared<Dense>("dense2", 4, settings));
    net.add(std::make_shared<Activation>("act0", ActivationFunction(name)));
    net.add(std::make_shared<Dense>("dense3", 3, settings));
    net.infer_shape({4, 6});
    test::initialize_all(net);
    test::check_gradients(net, random_tensor({4, 6}, 41));
  }
}

TEST_CASE("gradients pass through a dropout mask as the forward did") {
  Sequential net("net");
  net.add(dense("dense0", 8, ActivationKind::tanh));
  net.add(std::make_shared<Dropout>("dropout0", 0.5));
  net.add(dense("dense1", 3));
  net.infer_shape({4, 6});
  test::initialize_all(net);
  const Tensor x = random_tensor({4, 6}, 2);
  const Tensor head = random_tensor({4, 3}, 3);
  const auto value = [&] {
    Generator same(17);  // the same mask every time
    return test::dot(head, net.forward(x, {true, &same}, nullptr));
  };
  Generator rng(17);
  ChainRecord record;
  net.forward_chain(x, {true, &rng}, record);

  const Tensor dx = net.backward_chain(head, record, true, BackwardPass());

  CHECK(test::relative_error(dx, test::numeric_gradient(value, x)) < 1e-6);
  const auto weight = net.collect_parameters()[0].second;
  CHECK(test::relative_error(weight->grad(), test::numeric_gradient(value, weight->data())) < 1e-6);
}

TEST_CASE("one layer used twice sums its gradients, and counts once") {
  const auto shared = dense("dense0", 4, ActivationKind::tanh);
  Sequential net("net");
  net.add(shared);
  net.add(dense("dense1", 4));
  net.add(shared);
  net.infer_shape({3, 4});
  test::initialize_all(net);

  CHECK(paths_of(net) == std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias"});
  test::check_gradients(net, random_tensor({3, 4}, 5));
}

TEST_CASE("layers on one weight sum their gradients in a pass, whatever grad_req says") {
  const auto first = dense("dense0", 4);
  first->infer_shape({1, 4});
  const auto second =
      std::make_shared<Dense>("dense1", first->weight(), nullptr, ActivationKind::tanh, true);
  Sequential net("net");
  net.add(first);
  net.add(second);
  test::initialize_all(net);

  test::check_gradients(net, random_tensor({3, 4}, 5));
}

TEST_CASE("paths tell where in the structure a parameter is") {
  auto inner = std::make_shared<Sequential>("inner");
  inner->add(dense("dense1", 2));
  auto middle = std::make_shared<Sequential>("middle");
  middle->add(inner);
  middle->add(dense("dense2", 2));
  Sequential net("net");
  net.add(dense("dense0", 2));
  net.add(middle);

  CHECK(paths_of(net) == std::vector<std::string>{"0.weight", "0.bias", "1.0.0.weight",
                                                  "1.0.0.bias", "1.1.weight", "1.1.bias"});
}

TEST_CASE("initial values depend on seed and path only, not on when the shape became known") {
  const auto make = [](bool known) {
    auto net = std::make_unique<Sequential>("net");
    net->add(dense("dense0", 5));
    net->add(dense("dense1", 3));
    if (known) net->infer_shape({1, 4});
    net->initialize(std::make_shared<Normal>(0.1), 42);
    (*net)(Tensor({1, 4}, Dtype::float64));
    return net;
  };
  const auto known = make(true);
  const auto deferred = make(false);

  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(test::relative_error(known->collect_parameters()[i].second->data(),
                               deferred->collect_parameters()[i].second->data()) == 0.0);
  }
  const Tensor before = known->collect_parameters()[0].second->data().clone();
  known->initialize(std::make_shared<Normal>(0.1), 43);
  CHECK(test::relative_error(known->collect_parameters()[0].second->data(), before) == 0.0);
  known->initialize(std::make_shared<Normal>(0.1), 43, true);
  CHECK(test::relative_error(known->collect_parameters()[0].second->data(), before) > 0.1);
}

TEST_CASE("the first forward initializes in the order of execution") {
  Sequential net("net");
  net.add(dense("dense0", 5));
  net.add(dense("dense1", 3));
  net.initialize();
  CHECK(net.layers()[0]->is_ready() == false);

  CHECK_THROWS_AS(net(Tensor({2, 3}, Dtype::float32)), InputError);
  CHECK_FALSE(net.is_ready());
  net(Tensor({2, 4}, Dtype::float64));

  CHECK(net.is_ready());
  CHECK(*net.collect_parameters()[2].second->shape() == Shape{3, 5});
}

TEST_CASE("prepare initializes every layer from the input's shape alone") {
  Sequential net("net");
  net.add(dense("dense0", 5));
  net.add(dense("dense1", 3));
  net.initialize();

  net.prepare({Shape::unknown, 4});

  CHECK(net.is_ready());
}

TEST_CASE("a frozen lower part gets no gradients, and the rest the same ones") {
  Sequential net("net");
  net.add(std::make_shared<Flatten>("flatten0"));
  net.add(dense("dense0", 5, ActivationKind::tanh));
  net.add(dense("dense1", 3));
  net.infer_shape({2, 4});
  test::initialize_all(net);
  const auto parameters = net.collect_parameters();
  const Tensor x = random_tensor({2, 4}, 3);
  const Tensor head = random_tensor({2, 3}, 4);
  ChainRecord record;
  net.forward_chain(x, {}, record);
  CHECK_FALSE(net.backward_chain(head, record, false, BackwardPass()).defined());
  const Tensor expected = parameters[2].second->grad().clone();

  parameters[0].second->set_grad_req(GradReq::null);
  parameters[1].second->set_grad_req(GradReq::null);
  parameters[2].second->zero_grad();
  net.backward_chain(head, record, false, BackwardPass());
  CHECK(test::relative_error(parameters[2].second->grad(), expected) == 0.0);
  CHECK_FALSE(parameters[0].second->has_grad());

  for (const auto& [path, parameter] : parameters) parameter->set_grad_req(GradReq::null);
  CHECK_FALSE(net.backward_chain(head, record, false, BackwardPass()).defined());
  CHECK(net.backward_chain(head, record, true, BackwardPass()).shape() == x.shape());
}

TEST_CASE("an empty chain returns its input, and its gradient") {
  Sequential net;
  const Tensor x = random_tensor({2, 3}, 1);
  ChainRecord record;

  CHECK(net(x).raw() == x.raw());
  CHECK(net.infer_shape({2, 3}) == Shape{2, 3});
  net.forward_chain(x, {}, record);
  CHECK(net.backward_chain(x, record, true, BackwardPass()).raw() == x.raw());
}

TEST_CASE("ten thousand layers run forward and backward without recursion") {
  Sequential net("deep");
  for (int i = 0; i < 10'000; ++i) net.add(dense("dense" + std::to_string(i), 1));
  net.infer_shape({1, 1});
  for (const auto& [path, parameter] : net.collect_parameters()) {
    parameter->initialize(path.ends_with("weight") ? std::make_shared<One>() : nullptr, nullptr,
                          Generator(1));
  }
  Tensor x({1, 1}, Dtype::float64);
  x.fill(3.0);
  ChainRecord record;

  Tensor y;
  Tensor dx;
  on_a_small_stack([&] {
    y = net.forward_chain(x, {}, record);
    dx = net.backward_chain(x, record, true, BackwardPass());
  });

  CHECK(y.data<double>()[0] == 3.0);
  CHECK(dx.data<double>()[0] == 3.0);
  CHECK(record.size() == 10'000);
  CHECK(net.collect_parameters()[0].second->grad().data<double>()[0] == 9.0);
}

TEST_CASE("one net may run, record and run backward in many threads") {
  Sequential net("net");
  net.add(dense("dense0", 32, ActivationKind::mish));
  net.add(dense("dense1", 3));
  net.initialize(std::make_shared<Uniform>(1.0));
  const Tensor x = random_tensor({5, 16}, 6);
  std::vector<Tensor> results(8);

  std::vector<std::thread> threads;
  for (Tensor& result : results) {
    threads.emplace_back([&] {
      for (int repeat = 0; repeat < 50; ++repeat) {
        ChainRecord record;
        result = net.forward_chain(x, {}, record);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();

  const Tensor expected = net(x);
  for (const Tensor& result : results) CHECK(test::relative_error(result, expected) == 0.0);
}

TEST_CASE("an error in the middle names the layer, and the net stays usable") {
  Sequential net("net");
  net.add(dense("dense0", 5));
  net.add(dense("dense1", 3));
  net.infer_shape({2, 4});
  test::initialize_all(net);

  CHECK_THROWS_WITH_AS(net(Tensor({2, 7}, Dtype::float64)),
                       "expected input of shape (batch, 4) for 'dense0', found (2, 7); pass 4 "
                       "features, or make a new layer for 7 (its weight dense0_weight is (5, 4))",
                       InputError);
  CHECK(net(Tensor({2, 4}, Dtype::float64)).shape() == Shape{2, 3});
}

TEST_CASE("a chain takes no null, and no chain that it is inside of") {
  const auto outer = std::make_shared<Sequential>("outer");
  const auto inner = std::make_shared<Sequential>("inner");
  outer->add(inner);

  CHECK_THROWS_WITH_AS(outer->add(nullptr),
                       "expected a layer to add to 'outer', found null; pass a shared_ptr to one",
                       ArgumentError);
  CHECK_THROWS_WITH_AS(inner->add(outer),
                       "expected a layer that 'inner' is not a part of, found 'outer', which "
                       "contains it; a chain cannot contain itself",
                       ArgumentError);
  CHECK_THROWS_AS(inner->add(inner), ArgumentError);
  CHECK(inner->layers().empty());
}

TEST_CASE("a net changed between forward and backward is refused") {
  Sequential net("net");
  net.add(dense("dense0", 5));
  net.infer_shape({2, 4});
  test::initialize_all(net);
  ChainRecord record;
  const Tensor y = net.forward_chain(Tensor({2, 4}, Dtype::float64), {}, record);
  net.add(dense("dense1", 5));

  CHECK_THROWS_WITH_AS(
      net.backward_chain(y, record, true, BackwardPass()),
      "expected a record of the 2 layers of 'net', found one of 1; change a net before its forward "
      "or after its backward, not between",
      ArgumentError);
}

TEST_CASE("add<> makes a layer, and hands it out") {
  Sequential net("net");

  const std::shared_ptr<Dense> layer = net.add<Dense>("dense0", 5);

  REQUIRE(net.layers().size() == 1);
  CHECK(net.layers()[0] == layer);
  CHECK(layer->units() == 5);
}

TEST_CASE("forward_into writes the very bits of forward to the caller's memory") {
  Sequential net("net");
  net.add<Dense>("dense0", 3);
  net.initialize(std::make_shared<Uniform>(1.0), 1);
  const float x[] = {0.5F, -1.0F, 2.0F, 0.25F};
  float y[7] = {};
  const Tensor input = Tensor::borrow(x, {2, 2});
  // Nobody's memory need be aligned.
  const Tensor output = Tensor::borrow(y + 1, {2, 3});

  for (int call = 0; call < 2; ++call) {  // the first one makes the weights
    CAPTURE(call);
    std::fill(y, y + 7, 0.0F);
    net.forward_into(input, output);

    const Tensor expected = net(input);
    CHECK(y[0] == 0.0F);
    for (std::size_t i = 0; i < 6; ++i) CHECK(y[i + 1] == expected.data<float>()[i]);
  }
}

TEST_CASE("forward_into_if_quick writes the bits of forward, and nothing where it says so") {
  Sequential net("net");
  net.add<Dense>("dense0", 3);
  net.initialize(std::make_shared<Uniform>(1.0), 1);
  const Tensor input = random_tensor({2, 2}, 3, -1.0, 1.0, Dtype::float32);
  const Tensor output({2, 3});

  CHECK_FALSE(net.forward_into_if_quick(input, output, false));  // the first call makes the weights
  for (int i = 0; i < 6; ++i) CHECK(output.data<float>()[i] == 0.0F);
  const Tensor expected = net(input);
  CHECK(net.forward_into_if_quick(input, output, false));
  for (int i = 0; i < 6; ++i) CHECK(output.data<float>()[i] == expected.data<float>()[i]);

  CHECK_THROWS_AS(net.forward_into_if_quick(input, Tensor({2, 4}), false), InputError);
  const Tensor large({100000, 2});
  CHECK_FALSE(net.forward_into_if_quick(large, Tensor({100000, 3}), false));
  const Tensor wide({2, 2}, Dtype::float64);
  CHECK_FALSE(net.forward_into_if_quick(wide, Tensor({2, 3}, Dtype::float64), false));
}

TEST_CASE("forward_into runs layers that have no short way, too") {
  Sequential net("net");
  net.add<Flatten>("flatten0");
  net.add<Dense>("dense0", 3);
  net.initialize(std::make_shared<Uniform>(1.0), 1);
  const Tensor input = random_tensor({2, 2, 2}, 3, -1.0, 1.0, Dtype::float32);
  const Tensor output({2, 3});

  net.forward_into(input, output);

  const Tensor expected = net(input);
  for (int i = 0; i < 6; ++i) CHECK(output.data<float>()[i] == expected.data<float>()[i]);
}

TEST_CASE("forward_into refuses an output that is not like what the net computes") {
  Sequential net("net");
  net.add<Dense>("dense0", 3);
  net.initialize();
  const Tensor input({2, 2});

  for (int call = 0; call < 2; ++call) {
    CAPTURE(call);
    CHECK_THROWS_WITH_AS(net.forward_into(input, Tensor({2, 4})),
                         "expected an output of shape (2, 3) and float32 for 'net', found (2, 4) "
                         "and float32; pass an array of that shape and dtype",
                         InputError);
    CHECK_THROWS_AS(net.forward_into(input, Tensor({2, 3}, Dtype::float64)), InputError);
    CHECK_THROWS_WITH_AS(net.forward_into(input, Tensor()),
                         doctest::Contains("found an undefined array"), InputError);
  }
}

TEST_CASE("a record of another net's forward is refused, also if its layers are alike") {
  Sequential net("net");
  Sequential other("other");
  for (Sequential* each : {&net, &other}) {
    each->add(dense("dense0", 4, ActivationKind::gelu));
    each->add(dense("dense1", 3));
    each->infer_shape({2, 4});
    test::initialize_all(*each);
  }
  const Tensor x = random_tensor({2, 4}, 1);
  ChainRecord record;  // for both nets, in turn
  const Tensor of_net = net.forward_chain(x, {}, record);
  const Tensor of_other = other.forward_chain(x, {}, record);

  CHECK_THROWS_WITH_AS(net.backward_chain(of_net, record, true, BackwardPass()),
                       "expected a record of a forward of 'net', found one whose entry 0 is not of "
                       "its layer 'dense0'; keep a record of its own for each net",
                       ArgumentError);
  CHECK_NOTHROW(other.backward_chain(of_other, record, true, BackwardPass()));

  // What the derivative of gelu reads is not in it: it would be read from nowhere.
  Sequential flat("flat");
  flat.add<Flatten>("flatten0");
  flat.add(net.layers()[1]);
  const Tensor y = flat.forward_chain(x, {}, record);
  CHECK_THROWS_AS(net.backward_chain(y, record, true, BackwardPass()), ArgumentError);
}

/// y = x + f(x), f being the chain.
class Residual : public Sequential {
 public:
  using Sequential::Sequential;

  Tensor forward(const Tensor& input, const ForwardMode& mode, LayerRecord* record) override {
    Tensor output = Sequential::forward(input, mode, record).clone();
    add(input, output);
    if (record != nullptr) record->output = output;
    return output;
  }
  Tensor backward(const Tensor& output_grad, const LayerRecord& record, bool need_input_grad,
                  const BackwardPass& pass) override {
    Tensor grad = Sequential::backward(output_grad, record, need_input_grad, pass);
    if (!need_input_grad) return grad;
    grad = grad.clone();
    add(output_grad, grad);
    return grad;
  }

 private:
  static void add(const Tensor& terms, const Tensor& sums) {
    for (std::int64_t i = 0; i < sums.size(); ++i) {
      sums.data<double>()[i] += terms.data<double>()[i];
    }
  }
};

TEST_CASE("a class derived from Sequential computes what it says, inside of a chain too") {
  Sequential net("net");
  net.add(dense("dense0", 3));
  const auto block = net.add<Residual>("block0");
  block->Sequential::add(dense("dense1", 3, ActivationKind::tanh));
  Sequential plain("plain");  // the same layers, without what Residual adds
  for (const auto& layer : {net.layers()[0], block->layers()[0]}) plain.add(layer);
  net.infer_shape({2, 4});
  test::initialize_all(net);
  const Tensor x = random_tensor({2, 4}, 1);

  const Tensor y = net(x);
  const Tensor first = net.layers()[0]->forward(x, {}, nullptr);
  const Tensor second = plain(x);
  for (std::int64_t i = 0; i < y.size(); ++i) {
    CHECK(y.data<double>()[i] == first.data<double>()[i] + second.data<double>()[i]);
  }
  CHECK(paths_of(net) == std::vector<std::string>{"0.weight", "0.bias", "1.0.weight", "1.0.bias"});

  ChainRecord record;
  net.forward_chain(x, {}, record);
  const Tensor head = random_tensor(y.shape(), 2);
  const Tensor dx = net.backward_chain(head, record, true, BackwardPass());
  const auto value = [&] { return test::dot(head, net(x)); };
  CHECK(test::relative_error(dx, test::numeric_gradient(value, x)) < 1e-8);
  CHECK_THROWS_AS(block->Sequential::add(block), ArgumentError);
}

TEST_CASE("data() that another thread gets to read in the middle of a run changes nothing") {
  for (const bool rounds : {false, true}) {
    const auto layer = dense("dense0", 8, {}, Dtype::float32);
    layer->infer_shape({1, 8});
    test::initialize_all(*layer);
    layer->weight()->set_rounds_inference(rounds);
    InferencePlan plan;
    plan.add(*layer);
    const Tensor x = random_tensor({1, 8}, 1, -1.0, 1.0, Dtype::float32);
    const Tensor expected = layer->forward(x, {}, nullptr);
    const Tensor y({1, 8});

    const InferencePlan::Way way(plan, x, false);
    REQUIRE(way.units == 8);
    const Tensor read = layer->weight()->data();
    plan.run(way, x, y);

    CHECK(std::equal(y.data<float>(), y.data<float>() + 8, expected.data<float>()));
    CHECK(InferencePlan::Way(plan, x, false).units == 0);  // while `read` could be written into
  }
}

TEST_CASE("threads may get data() to read while others run the net") {
  for (const bool rounds : {false, true}) {
    Sequential net("net");
    net.add(dense("dense0", 8, ActivationKind::relu, Dtype::float32));
    const auto last = dense("dense1", 8, {}, Dtype::float32);
    net.add(last);
    net.infer_shape({1, 8});
    test::initialize_all(net);
    last->weight()->set_rounds_inference(rounds);
    const Tensor x = random_tensor({1, 8}, 1, -1.0, 1.0, Dtype::float32);
    const Tensor expected = net(x);
    std::atomic<bool> done{false};
    std::thread reader([&] {
      while (!done) static_cast<void>(last->weight()->data());
    });
    bool same = true;
    for (int i = 0; i < 20000; ++i) {
      const Tensor y = net(x);
      same = same && std::equal(y.data<float>(), y.data<float>() + 8, expected.data<float>());
    }
    done = true;
    reader.join();
    CHECK(same);
  }
}

}  // namespace
}  // namespace glueball
