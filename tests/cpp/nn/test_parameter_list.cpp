#include "glueball/parameter_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include "glueball/batch_norm.h"
#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/sequential.h"

namespace glueball {
namespace {

std::vector<std::string> names(const ParameterList& list) {
  std::vector<std::string> all;
  for (const auto& parameter : list) all.push_back(parameter->name());
  return all;
}

/// Two layers, the second with the first's parameters, and a third.
struct Net {
  Sequential net;
  Net() {
    const auto first = net.add<Dense>("dense0", 4);
    net.add<Dense>("tied", first->weight(), first->bias(), ActivationFunction(), true);
    net.add<Dense>("dense1", 2);
  }
};

TEST_CASE("a list holds each parameter once, in order, with its path") {
  const Net fixture;
  const ParameterList list(fixture.net);

  CHECK(names(list) ==
        std::vector<std::string>{"dense0_weight", "dense0_bias", "dense1_weight", "dense1_bias"});
  CHECK(list.paths() == std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias"});
  CHECK(list.size() == 4);
  CHECK(ParameterList().size() == 0);
}

TEST_CASE("a pattern is matched from the start of a name, and need not reach its end") {
  const Net fixture;
  const ParameterList list(fixture.net);
  using Names = std::vector<std::string>;

  CHECK(names(list.select(".*weight")) == Names{"dense0_weight", "dense1_weight"});
  CHECK(names(list.select("dense0")) == Names{"dense0_weight", "dense0_bias"});
  CHECK(names(list.select("weight")).empty());
  CHECK(names(list.select("dense0_bias|dense1_w")) == Names{"dense0_bias", "dense1_weight"});
  CHECK(names(list.select("se|dense1_b")) == Names{"dense1_bias"});
  CHECK(list.select(".*bias").paths() == Names{"0.bias", "2.bias"});
}

TEST_CASE("a pattern that is not a regular expression is refused, and named") {
  const Net fixture;

  CHECK_THROWS_WITH_AS(ParameterList(fixture.net).select("(dense"),
                       doctest::Contains("expected ECMAScript regular expressions for select, "
                                         "found '(dense'"),
                       ArgumentError);
}

TEST_CASE("a parameter is found by name or by path") {
  const Net fixture;
  const ParameterList list(fixture.net);

  CHECK(list["dense1_bias"]->name() == "dense1_bias");
  CHECK(list["2.bias"] == list["dense1_bias"]);
  CHECK_THROWS_WITH_AS(
      list["dense7_bias"],
      "expected the name or the path of one parameter, found 'dense7_bias', which 0 of 4 "
      "parameters "
      "have; use one of 'dense0_weight' at 0.weight, 'dense0_bias' at 0.bias, 'dense1_weight' at "
      "2.weight, 'dense1_bias' at 2.bias",
      ArgumentError);
}

TEST_CASE("a glob chooses by whole paths, of all places that a parameter has") {
  const Net fixture;
  const ParameterList list(fixture.net);
  using Paths = std::vector<std::string>;

  CHECK(list.at("*.bias").paths() == Paths{"0.bias", "2.bias"});
  CHECK(list.at("?.weight").paths() == Paths{"0.weight", "2.weight"});
  CHECK(list.at("1.*").paths() == Paths{"0.weight", "0.bias"});
  CHECK(list.at("[!0].*").paths() == Paths{"0.weight", "0.bias", "2.weight", "2.bias"});
  CHECK(list.at("[2x].weight").paths() == Paths{"2.weight"});
  CHECK(list.at("2.weight").size() == 1);
  CHECK(list["1.bias"] == list["dense0_bias"]);
  CHECK_THROWS_WITH_AS(list.at("2"),
                       doctest::Contains("found '2', which matches none of 4; there "
                                         "are '0.weight', '0.bias', '2.weight'"),
                       ArgumentError);
  CHECK_THROWS_AS(list.at("2+weight"), ArgumentError);  // a plus is a plus, a dot a dot
  CHECK_THROWS_AS(list.at("2xweight"), ArgumentError);
  CHECK_THROWS_AS(list.at("[2.weight"), ArgumentError);
  CHECK_THROWS_AS(list.at(std::string(1001, '*')), ArgumentError);
  CHECK_THROWS_AS(ParameterList().at("*"), ArgumentError);
}

TEST_CASE("tied parameters are listed with all their paths") {
  const Net fixture;

  CHECK(ParameterList(fixture.net).tied() ==
        std::vector<std::vector<std::string>>{{"0.weight", "1.weight"}, {"0.bias", "1.bias"}});
  CHECK(ParameterList(fixture.net).at("2.*").tied().empty());
}

TEST_CASE("what is frozen does not learn until it is unfrozen, and statistics never do") {
  Sequential net;
  net.add<Dense>("dense0", 3);
  net.add<BatchNorm>("norm0");
  const ParameterList list(net);

  list.at("0.*").freeze();
  CHECK(list["0.weight"]->grad_req() == GradReq::null);
  CHECK(list["1.gamma"]->grad_req() == GradReq::write);
  list.freeze();
  list.unfreeze();
  CHECK(list["0.weight"]->grad_req() == GradReq::write);
  CHECK(list["1.running_mean"]->grad_req() == GradReq::null);
}

TEST_CASE("a name that two parameters have says nothing, their paths do") {
  Sequential net;
  net.add<Dense>("same", 4);
  net.add<Dense>("same", 2);
  const ParameterList list(net);

  CHECK_THROWS_WITH_AS(list["same_bias"], doctest::Contains("which 2 of 4 parameters have"),
                       ArgumentError);
  CHECK(list["1.bias"]->shape() == Shape{2});
}

TEST_CASE("a list initializes as the net does, and what is selected alone") {
  Net whole;
  Net part;
  const auto init = std::make_shared<Normal>(1.0);
  whole.net.initialize(init, 5);
  whole.net.prepare({3, 4});

  const ParameterList list(part.net);
  list.select("dense1").initialize(init, 5);
  part.net.layers()[2]->prepare({3, 4});

  const Tensor& expected = ParameterList(whole.net)["dense1_weight"]->data();
  const Tensor& found = list["dense1_weight"]->data();
  REQUIRE(found.shape() == Shape{2, 4});
  for (int i = 0; i < 8; ++i) CHECK(found.data<float>()[i] == expected.data<float>()[i]);
  CHECK(list["dense0_weight"]->state() == Parameter::State::uninitialized);
}

TEST_CASE("gradients of a list are cleared, and frozen, together") {
  Net fixture;
  fixture.net.initialize();
  fixture.net.prepare({1, 4});
  const ParameterList list(fixture.net);
  for (const auto& parameter : list) parameter->grad().fill(3.0);

  list.select("dense0").zero_grad();
  list.select("dense1").set_grad_req(GradReq::null);

  CHECK(list["dense0_bias"]->grad().data<float>()[0] == 0.0F);
  CHECK_FALSE(list["dense1_bias"]->has_grad());
  CHECK(list["dense0_weight"]->has_grad());
}

TEST_CASE("the number of elements needs every shape") {
  Net fixture;
  const ParameterList list(fixture.net);

  CHECK_THROWS_AS(list.elements(), ShapeError);
  fixture.net.infer_shape({1, 4});
  CHECK(list.elements() == 4 * 4 + 4 + 2 * 4 + 2);
}

}  // namespace
}  // namespace glueball
