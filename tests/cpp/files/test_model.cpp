#include "glueball/model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "glueball/activation.h"
#include "glueball/dense.h"
#include "glueball/dropout.h"
#include "glueball/embedding.h"
#include "glueball/error.h"
#include "glueball/flatten.h"
#include "glueball/norm.h"
#include "glueball/params.h"
#include "glueball/prelu.h"
#include "glueball/safetensors.h"
#include "temporary_folder.h"

namespace glueball {
namespace {

using testing::contents_of;
using testing::TemporaryFolder;
using testing::write_file;

Tensor ramp(const Shape& shape, Dtype dtype = Dtype::float32) {
  Tensor values(shape, dtype);
  for (std::int64_t i = 0; i < values.size(); ++i) {
    const double value = 0.37 * static_cast<double>(i % 11) - 1.5;
    if (dtype == Dtype::float32) {
      values.data<float>()[i] = static_cast<float>(value);
    } else {
      values.data<double>()[i] = value;
    }
  }
  return values;
}

bool equal_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::shared_ptr<Dense> dense(const std::string& name, std::int64_t units,
                             ActivationFunction activation = {}, bool use_bias = true,
                             bool flatten = true, Dtype dtype = Dtype::float32) {
  Dense::Settings settings;
  settings.activation = activation;
  settings.use_bias = use_bias;
  settings.flatten = flatten;
  settings.dtype = dtype;
  return std::make_shared<Dense>(name, units, settings);
}

/// Every layer that files know, one chain inside another.
void add_all_layers(Sequential& net) {
  net.add(std::make_shared<Flatten>("flatten0"));
  net.add(dense("dense0", 5, ActivationKind::tanh));
  auto inner = std::make_shared<Sequential>("inner");
  inner->add(dense("dense1", 4, {ActivationKind::leaky_relu, 0.3}, /*use_bias=*/false));
  inner->add(std::make_shared<Dropout>("dropout0", 0.25));
  for (const std::string& name : activation_names()) {
    inner->add(std::make_shared<Activation>(name + "_0", ActivationFunction(name)));
  }
  BatchNorm::Settings running;
  running.axis = -1;
  running.momentum = 0.8;
  running.epsilon = 1e-3;
  running.scale = false;
  inner->add(std::make_shared<BatchNorm>("batch_norm0", running));
  Normalisation::Settings shifted;
  shifted.center = false;
  inner->add(std::make_shared<LayerNorm>("layer_norm0", 1, shifted));
  inner->add(std::make_shared<GroupNorm>("group_norm0", 2));
  inner->add(std::make_shared<PReLU>("prelu0"));
  net.add(inner);
  net.add(std::make_shared<Activation>("a", ActivationFunction(ActivationKind::leaky_relu, 0.5)));
  net.add(std::make_shared<Activation>("b", ActivationFunction(ActivationKind::elu, 0.5)));
  net.add(std::make_shared<Activation>("c", ActivationFunction(ActivationKind::silu, 1.5)));
  net.add(dense("dense2", 3, {}, /*use_bias=*/true, /*flatten=*/false));
}

/// A file with an architecture that is given as text, and arrays of these names and shapes.
void write_model(const std::string& path, const std::string& architecture,
                 const std::vector<std::pair<std::string, Shape>>& arrays) {
  StoredArrays contents;
  for (const auto& [name, shape] : arrays) contents.arrays.emplace_back(name, ramp(shape));
  contents.metadata.emplace("glueball.model", architecture);
  write_safetensors(path, contents);
}

std::string architecture(const std::string& layers) {
  return R"({"format":"glueball.model","version":1,"dtype":"float32","in_units":3,"net":)"
         R"({"kind":"Sequential","prefix":"net_","layers":[)" +
         layers + "]}}";
}

const std::string a_dense =
    R"({"kind":"Dense","prefix":"d_","units":2,"in_units":3,"use_bias":true,"flatten":true,)"
    R"("activation":null})";

std::string fault_of(const std::string& path) {
  try {
    load_model(path);
  } catch (const FileFormatError& error) {
    return error.what();
  }
  return "none";
}

TEST_CASE("a saved net comes back with its layers, names, and the same bits of output") {
  const TemporaryFolder folder;
  Sequential net("net");
  add_all_layers(net);
  net.initialize(std::make_shared<Xavier>(), 3);
  const Tensor x = ramp({4, 2, 3});
  const Tensor expected = net(x);

  save_model(net, folder / "net.safetensors");
  const auto again = load_model(folder / "net.safetensors");

  CHECK(equal_bits((*again)(x), expected));
  CHECK(again->name() == "net");
  CHECK(again->layers()[2]->name() == "inner");
  const auto before = net.collect_parameters();
  const auto after = again->collect_parameters();
  REQUIRE(after.size() == before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    CHECK(after[i].first == before[i].first);
    CHECK(after[i].second->name() == before[i].second->name());
    CHECK(equal_bits(after[i].second->data(), before[i].second->data()));
  }
}

TEST_CASE("layers for other inputs than matrices come back too") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(std::make_shared<Embedding>("embedding0", 3, 4));
  net.add(std::make_shared<InstanceNorm>("instance_norm0", -1));
  net.initialize(std::make_shared<Xavier>(), 3);
  Tensor x({2, 3});
  x.data<float>()[1] = 2.0F;
  x.data<float>()[5] = 1.0F;
  const Tensor expected = net(x);

  save_model(net, folder / "net.safetensors");

  CHECK(equal_bits((*load_model(folder / "net.safetensors"))(x), expected));
}

TEST_CASE("axes along which elements are dropped together come back") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(std::make_shared<Dropout>("dropout0", 0.5, std::vector<std::int64_t>{1, -2}));

  save_model(net, folder / "net.safetensors");

  const auto again = load_model(folder / "net.safetensors");
  const auto layer = std::dynamic_pointer_cast<Dropout>(again->layers()[0]);
  CHECK(layer->axes() == std::vector<std::int64_t>{1, -2});
  CHECK(layer->rate() == 0.5);
}

TEST_CASE("the same net gives the same bytes") {
  const TemporaryFolder folder;
  Sequential net("net");
  add_all_layers(net);
  net.initialize(nullptr, 3);
  net(ramp({1, 6}));

  save_model(net, folder / "a.safetensors");
  save_model(*load_model(folder / "a.safetensors"), folder / "b.safetensors");

  CHECK(contents_of(folder / "a.safetensors") == contents_of(folder / "b.safetensors"));
}

TEST_CASE("float64 stays float64") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(dense("dense0", 5, ActivationKind::gelu, true, true, Dtype::float64));
  net.initialize(nullptr, 3);
  const Tensor x = ramp({2, 3}, Dtype::float64);
  const Tensor expected = net(x);

  save_model(net, folder / "net.safetensors");

  CHECK(equal_bits((*load_model(folder / "net.safetensors"))(x), expected));
}

TEST_CASE("a tied parameter is stored once, and comes back tied") {
  const TemporaryFolder folder;
  auto first = dense("first", 3);
  Sequential net("net");
  net.add(first);
  net.add(std::make_shared<Dense>("second", first->weight(), nullptr, ActivationKind::relu, true));
  net.add(first);
  net.initialize(nullptr, 3);
  net(ramp({1, 3}));

  save_model(net, folder / "net.safetensors");
  const StoredArrays stored = read_safetensors(folder / "net.safetensors");
  const auto again = load_model(folder / "net.safetensors");

  CHECK(stored.arrays.size() == 2);
  CHECK(stored.aliases.at("1.weight") == "0.weight");
  const auto weight = [&](std::size_t i) {
    return std::dynamic_pointer_cast<Dense>(again->layers()[i])->weight();
  };
  CHECK(weight(0) == weight(1));
  CHECK(weight(0) == weight(2));
  CHECK(weight(1)->name() == "first_weight");
}

TEST_CASE("a loaded net can be trained on") {
  const TemporaryFolder folder;
  write_model(folder / "net.safetensors", architecture(a_dense),
              {{"0.weight", {2, 3}}, {"0.bias", {2}}});
  const auto net = load_model(folder / "net.safetensors");

  ChainRecord record;
  ForwardMode training;
  training.training = true;
  const Tensor y = net->forward_chain(ramp({4, 3}), training, record);
  Tensor ones(y.shape());
  ones.fill(1.0);
  net->backward_chain(ones, record, false, BackwardPass());

  const auto bias = net->collect_parameters()[1].second;
  CHECK(bias->grad().data<float>()[0] == 4.0F);
}

TEST_CASE("a file in memory is read as one on disk") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(dense("dense0", 2));
  net.initialize(nullptr, 3);
  const Tensor x = ramp({2, 3});
  const Tensor expected = net(x);
  save_model(net, folder / "net.safetensors");
  std::string bytes = contents_of(folder / "net.safetensors");

  const auto again = parse_model(bytes.data(), bytes.size(), "the embedded net");
  std::fill(bytes.begin(), bytes.end(), '\0');  // needed during the call only

  CHECK(equal_bits((*again)(x), expected));
  CHECK_THROWS_WITH_AS(parse_model(bytes.data(), bytes.size(), "the embedded net"),
                       doctest::Contains("the embedded net"), FileFormatError);
}

TEST_CASE("a model of a single layer becomes a chain of it") {
  const TemporaryFolder folder;
  std::string text = architecture("");
  text.replace(text.find(R"({"kind":"Seq)"), std::string::npos, a_dense + "}");
  write_model(folder / "net.safetensors", text, {{"weight", {2, 3}}, {"bias", {2}}});

  const auto net = load_model(folder / "net.safetensors");

  CHECK(net->layers().size() == 1);
  CHECK(net->layers()[0]->name() == "d");
  CHECK((*net)(ramp({4, 3})).shape() == Shape{4, 2});
}

class Doubled : public Dense {
 public:
  using Dense::Dense;
};

TEST_CASE("a layer of a class of your own is named, and no file is left") {
  const TemporaryFolder folder;
  Sequential net("net");
  auto inner = std::make_shared<Sequential>("inner");
  inner->add(std::make_shared<Doubled>("mine", 3));
  net.add(inner);
  net.initialize(nullptr, 3);
  net(ramp({1, 2}));

  CHECK_THROWS_WITH_AS(save_model(net, folder / "net.safetensors"),
                       doctest::Contains("found 'mine' at '0.0', of another class"), ArgumentError);
  CHECK(folder.entries() == 0);
}

TEST_CASE("what has no values, two dtypes or two parameters of one name cannot be saved") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  Sequential net("net");
  net.add(dense("dense0", 2));
  CHECK_THROWS_AS(save_model(net, path), UninitializedError);
  net.initialize(nullptr, 3);
  CHECK_THROWS_AS(save_model(net, path), DeferredInitializationError);
  net(ramp({1, 3}));
  CHECK_THROWS_WITH_AS(save_model(net, folder / "net.bin"),
                       doctest::Contains("ends in .safetensors"), ArgumentError);

  net.add(dense("dense0", 2));
  net.initialize(nullptr, 3);
  net(ramp({1, 3}));
  CHECK_THROWS_WITH_AS(save_model(net, path), doctest::Contains("two called 'dense0_weight'"),
                       ArgumentError);

  Sequential mixed("mixed");
  mixed.add(dense("dense0", 2));
  mixed.add(dense("dense1", 2, {}, true, true, Dtype::float64));
  mixed.initialize(nullptr, 3);
  mixed.infer_shape({1, 3});
  mixed.prepare({1, 3});
  CHECK_THROWS_WITH_AS(save_model(mixed, path), doctest::Contains("of float64; cast the whole net"),
                       ArgumentError);
  CHECK(folder.entries() == 0);
}

TEST_CASE("settings that cannot be read back are not written") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(std::make_shared<Activation>("a", ActivationFunction(ActivationKind::leaky_relu, -1.0)));

  CHECK_THROWS_WITH_AS(save_model(net, folder / "net.safetensors"),
                       doctest::Contains("'alpha' of layer '0' (LeakyReLU) to be from 0"),
                       FileFormatError);
  CHECK(folder.entries() == 0);
}

TEST_CASE("chains are nested up to a bound") {
  const TemporaryFolder folder;
  const auto nested = [](int depth) {
    auto chain = std::make_shared<Sequential>("chain");
    for (int i = 1; i < depth; ++i) {
      auto outer = std::make_shared<Sequential>("chain");
      outer->add(chain);
      chain = outer;
    }
    return chain;
  };

  save_model(*nested(24), folder / "net.safetensors");
  CHECK(load_model(folder / "net.safetensors") != nullptr);
  CHECK_THROWS_WITH_AS(save_model(*nested(25), folder / "net.safetensors"),
                       doctest::Contains("nested up to 24 deep"), ArgumentError);
}

// tests/python/test_model.py has many more.

TEST_CASE("a missing file, one of parameters only, and a cut one are told apart") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  CHECK_THROWS_AS(load_model(path), FileAccessError);

  StoredArrays contents;
  contents.arrays.emplace_back("0.weight", ramp({2, 3}));
  write_safetensors(path, contents);
  CHECK(fault_of(path).find("found parameters only") != std::string::npos);
  write_params(folder / "net.params", contents);
  CHECK(fault_of(folder / "net.params").find("found parameters only") != std::string::npos);

  write_model(path, architecture(a_dense), {{"0.weight", {2, 3}}, {"0.bias", {2}}});
  const std::string whole = contents_of(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_file(path, whole.substr(0, length));
    CHECK(fault_of(path).find("net.safetensors") != std::string::npos);
  }
}

TEST_CASE("versions and layers that are not known are named") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  std::string newer = architecture(a_dense);
  newer.replace(newer.find("\"version\":1"), 11, "\"version\":2");
  write_model(path, newer, {});
  CHECK(fault_of(path).find("found version 2; use a glueball that knows") != std::string::npos);

  write_model(path, architecture(R"({"kind":"Conv2D","prefix":"c_"})"), {});
  CHECK(fault_of(path).find("found 'Conv2D' at '0'; load it with the glueball that wrote it") !=
        std::string::npos);
}

TEST_CASE("settings that a layer refuses are a fault of the file") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  // Finite as a double, and not as a float.
  write_model(path, architecture(R"({"kind":"LeakyReLU","prefix":"l_","alpha":6.7e57})"), {});

  CHECK(fault_of(path).find("expected settings of '0' (LeakyReLU) that a layer takes in") !=
        std::string::npos);
  CHECK(fault_of(path).find("net.safetensors") != std::string::npos);
}

TEST_CASE("arrays have to be those of the layers") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  write_model(path, architecture(a_dense), {{"0.weight", {3, 2}}, {"0.bias", {2}}});
  CHECK(fault_of(path).find("expected an array '0.weight' of shape (2, 3) and dtype F32 in") !=
        std::string::npos);
  CHECK(fault_of(path).find("found (3, 2), F32") != std::string::npos);

  write_model(path, architecture(a_dense), {{"0.weight", {2, 3}}});
  CHECK(fault_of(path).find("expected an array '0.bias' of shape (2,)") != std::string::npos);

  write_model(path, architecture(a_dense),
              {{"0.weight", {2, 3}}, {"0.bias", {2}}, {"1.bias", {2}}});
  CHECK(fault_of(path).find("found '1.bias', which belongs to none") != std::string::npos);
}

TEST_CASE("sizes that no memory holds are refused before any is asked for") {
  const TemporaryFolder folder;
  const std::string path = folder / "net.safetensors";
  std::string huge = a_dense;
  huge.replace(huge.find("\"units\":2"), 9, "\"units\":4611686018427387904");
  write_model(path, architecture(huge), {{"0.weight", {2, 3}}, {"0.bias", {2}}});
  CHECK(fault_of(path).find("'units' of layer '0' (Dense) to be an integer from 1 to") !=
        std::string::npos);

  huge = a_dense;
  huge.replace(huge.find("\"units\":2"), 9, "\"units\":9007199254740992");
  write_model(path, architecture(huge), {{"0.weight", {2, 3}}, {"0.bias", {2}}});
  CHECK(fault_of(path).find("of shape (9007199254740992, 3)") != std::string::npos);
}

}  // namespace
}  // namespace glueball
