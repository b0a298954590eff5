#include "glueball/io.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "glueball/dense.h"
#include "glueball/error.h"
#include "glueball/initializer.h"
#include "temporary_folder.h"

using namespace glueball;
using glueball::testing::bytes_of;
using glueball::testing::contents_of;
using glueball::testing::TemporaryFolder;
using glueball::testing::write_file;

namespace {

/// Initializers must not run when a file is loaded.
class Forbidden : public Initializer {
 public:
  void init_weight(const InitDesc&, const Tensor&, Generator&) const override {
    FAIL("an initializer ran");
  }
};

std::shared_ptr<Dense> dense(const std::string& name, std::int64_t units, std::int64_t in_units) {
  Dense::Settings settings;
  settings.in_units = in_units;
  return std::make_shared<Dense>(name, units, settings);
}

std::unique_ptr<Sequential> mlp(bool deferred = false) {
  auto net = std::make_unique<Sequential>("net");
  net->add(dense("dense0", 4, deferred ? Shape::unknown : 3));
  net->add(dense("dense1", 2, deferred ? Shape::unknown : 4));
  return net;
}

std::unique_ptr<Sequential> trained(std::uint64_t seed) {
  auto net = mlp();
  net->initialize(std::make_shared<Normal>(1.0), seed);
  return net;
}

std::string values_of(const Sequential& net) {
  std::string bytes;
  for (const auto& [path, parameter] : net.collect_parameters()) {
    const Tensor& values = parameter->values();
    bytes.append(static_cast<const char*>(values.raw()), values.bytes());
  }
  return bytes;
}

}  // namespace

TEST_CASE("parameters come back from both kinds of files, and contents tell which it is") {
  const TemporaryFolder folder;
  const auto net = trained(1);
  for (const char* const name : {"net.safetensors", "net.params", "net.whatever"}) {
    CAPTURE(name);
    save_parameters(*net, folder / name);
    std::filesystem::rename(folder / name, folder / "renamed");
    const auto other = trained(2);

    load_parameters(*other, folder / "renamed");

    CHECK(values_of(*other) == values_of(*net));
  }
}

TEST_CASE("names in a file are structural paths") {
  const TemporaryFolder folder;
  save_parameters(*trained(1), folder / "net.params");

  const StoredArrays contents = read_arrays(folder / "net.params");

  REQUIRE(contents.arrays.size() == 4);
  CHECK(contents.arrays[0].name() == "0.weight");
  CHECK(contents.arrays[3].name() == "1.bias");
}

TEST_CASE("loading initializes nothing first and makes shapes known") {
  const TemporaryFolder folder;
  const auto net = trained(1);
  save_parameters(*net, folder / "net.safetensors");
  for (const bool initialized : {false, true}) {
    const auto fresh = mlp(true);
    if (initialized) fresh->initialize(std::make_shared<Forbidden>());

    load_parameters(*fresh, folder / "net.safetensors");

    CHECK(values_of(*fresh) == values_of(*net));
    const auto parameters = fresh->collect_parameters();
    CHECK(parameters[0].second->shape() == Shape{4, 3});
    CHECK(parameters[0].second->grad().shape() == Shape{4, 3});
    CHECK(parameters[0].second->grad().data<float>()[11] == 0.0F);
  }
}

TEST_CASE("loading writes into the arrays that somebody holds") {
  const TemporaryFolder folder;
  const auto net = trained(1);
  save_parameters(*net, folder / "net.safetensors");
  const auto other = trained(2);
  const Tensor held = other->collect_parameters()[0].second->data();

  load_parameters(*other, folder / "net.safetensors");

  CHECK(held.data<float>()[0] == net->collect_parameters()[0].second->values().data<float>()[0]);
}

TEST_CASE("a shared parameter is stored once, under its other path as an alias, and comes back") {
  const TemporaryFolder folder;
  const auto build = [](std::shared_ptr<Dense>& layer) {
    layer = dense("shared", 3, 3);
    auto net = std::make_unique<Sequential>("net");
    net->add(layer);
    net->add(layer);
    return net;
  };
  std::shared_ptr<Dense> layer;
  const auto net = build(layer);
  net->initialize(std::make_shared<Normal>(1.0), 1);

  save_parameters(*net, folder / "net.safetensors");
  save_parameters(*net, folder / "net.params");

  const StoredArrays contents = read_arrays(folder / "net.safetensors");
  CHECK(contents.arrays.size() == 2);
  CHECK(contents.aliases.size() == 2);
  CHECK(contents.aliases.at("1.weight") == "0.weight");
  CHECK(read_arrays(folder / "net.params").arrays.size() == 4);
  for (const char* const name : {"net.safetensors", "net.params"}) {
    std::shared_ptr<Dense> other_layer;
    const auto other = build(other_layer);
    load_parameters(*other, folder / name);
    CHECK(values_of(*other) == values_of(*net));
  }
  const auto apart = std::make_unique<Sequential>("net");
  apart->add(dense("a", 3, 3));
  apart->add(dense("b", 3, 3));
  load_parameters(*apart, folder / "net.safetensors");
  CHECK(values_of(*apart) == values_of(*net) + values_of(*net));
}

TEST_CASE("what does not fit changes nothing") {
  const TemporaryFolder folder;
  const auto target = trained(2);
  const std::string before = values_of(*target);
  const auto saved_without = [&](const std::string& missing, const StoredArray& added) {
    StoredArrays contents;
    for (const auto& [path, parameter] : trained(1)->collect_parameters()) {
      if (path != missing) contents.arrays.emplace_back(path, parameter->values());
    }
    if (!added.name().empty()) contents.arrays.push_back(added);
    write_arrays(folder / "x.safetensors", contents);
    return folder / "x.safetensors";
  };
  const auto refuses = [&](const std::string& path, const char* fault) {
    for (const bool fresh : {false, true}) {
      const auto untouched = mlp(true);
      Sequential& net = fresh ? *untouched : *target;
      try {
        load_parameters(net, path);
        FAIL_CHECK("no error");
      } catch (const Error& error) {
        const std::string text = error.what();
        CAPTURE(text);
        CHECK(text.find(fault) != std::string::npos);
        CHECK(text.find(path) != std::string::npos);
      }
      if (fresh) {
        for (const auto& [name, parameter] : net.collect_parameters()) {
          CHECK(parameter->state() == Parameter::State::uninitialized);
        }
      }
    }
    CHECK(values_of(*target) == before);
  };

  refuses(saved_without("1.bias", StoredArray()), "expected Parameter '1.bias' in file");
  refuses(saved_without("", StoredArray("2.weight", Tensor({1}))), "found '2.weight'");
  refuses(saved_without("1.bias", StoredArray("1.bias", Tensor({7}))), "of shape (7,)");
  refuses(saved_without("1.bias", StoredArray("1.bias", Tensor({2}, Dtype::float64))),
          "found dtype F64; set cast_dtype");
  refuses(saved_without("1.bias", StoredArray("1.bias", Tensor({0}))), "of shape (0,)");
  const std::string complex_numbers(16, '\0');
  refuses(
      saved_without("1.bias", StoredArray("1.bias", StoredDtype::c64, {2}, complex_numbers.data(),
                                          complex_numbers.size(), nullptr)),
      "for Parameter 'dense1_bias' in");
}

TEST_CASE("what two arrays say of one parameter has to agree") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.params";
  const auto first = dense("dense0", 3, 3);
  Sequential net("net");
  net.add(first);
  net.add(std::make_shared<Dense>("dense1", first->weight(), first->bias(), ActivationFunction(),
                                  true));
  net.initialize(std::make_shared<Constant>(0.5));
  const auto load = [&](const std::string& name, double weight) {
    StoredArrays contents;
    for (const auto& [key, value] : {std::pair("0.weight", 2.0), std::pair(name.c_str(), weight)}) {
      Tensor tensor({3, 3});
      tensor.fill(value);
      contents.arrays.emplace_back(key, tensor);
    }
    contents.arrays.emplace_back("0.bias", Tensor({3}));
    write_arrays(path, contents);
    load_parameters(net, path);
  };

  CHECK_THROWS_WITH_AS(load("1.weight", 3.0),
                       doctest::Contains("found '0.weight' and '1.weight', which differ"),
                       ArgumentError);
  CHECK_THROWS_WITH_AS(load("aux:0.weight", 3.0), doctest::Contains("two for '0.weight', without"),
                       ArgumentError);
  CHECK(first->weight()->values().data<float>()[0] == 0.5F);
  load("1.weight", 2.0);
  CHECK(first->weight()->values().data<float>()[0] == 2.0F);
}

TEST_CASE("a file of very many aliases is read as one of few is") {
  // As many as a header of 10 MB says; if each were looked up among all arrays, this would take
  // half a minute.
  constexpr int count = 100'000;
  const TemporaryFolder folder;
  std::string metadata = "\"0.weight\":\"0\"";
  std::string arrays;
  for (int i = 0; i < count; ++i) {
    const std::string number = std::to_string(i);
    metadata.append(",\"x").append(number).append("\":\"").append(number).append("\"");
    arrays.append(",\"").append(number);
    arrays.append(R"(":{"dtype":"F32","shape":[0],"data_offsets":[0,0]})");
  }
  const std::string header = "{\"__metadata__\":{" + metadata + "}" + arrays + "}";
  write_file(folder / "x.safetensors",
             bytes_of(static_cast<std::uint64_t>(header.size())) + header);
  const auto net = mlp();

  CHECK_THROWS_WITH_AS(load_parameters(*net, folder / "x.safetensors"),
                       doctest::Contains("expected Parameter '0.bias'"), ArgumentError);
}

TEST_CASE("options take what is there, and convert") {
  const TemporaryFolder folder;
  StoredArrays contents;
  Tensor bias({2}, Dtype::float64);
  bias.fill(0.1);
  contents.arrays.emplace_back("arg:1.bias", bias);
  contents.arrays.emplace_back("more", bias);
  write_arrays(folder / "x.params", contents);
  const auto net = trained(1);
  LoadOptions options;
  options.allow_missing = options.ignore_extra = options.cast_dtype = true;

  load_parameters(*net, folder / "x.params", options);
  const auto last = net->collect_parameters().back().second;
  CHECK(last->values().data<float>()[1] == 0.1F);

  options.dtype_source = DtypeSource::saved;
  load_parameters(*net, folder / "x.params", options);
  CHECK(last->dtype() == Dtype::float64);
  CHECK(last->values().data<double>()[1] == 0.1);
  CHECK(last->grad().dtype() == Dtype::float64);
}

TEST_CASE("a net without parameters loads what it has saved") {
  const TemporaryFolder folder;
  const Sequential net;
  for (const char* const name : {"net.safetensors", "net.params"}) {
    CAPTURE(name);
    save_parameters(net, folder / name);

    Sequential other;
    load_parameters(other, folder / name);

    LoadOptions options;
    CHECK_THROWS_AS(load_parameters(*mlp(), folder / name, options), ArgumentError);
    options.allow_missing = true;
    load_parameters(*mlp(), folder / name, options);
  }
}

TEST_CASE("nets without values, lists and other files are refused") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(save_parameters(*mlp(), folder / "x.params"), UninitializedError);
  CHECK_THROWS_WITH_AS(
      save_parameters(*trained(1), folder / "x.npz"),
      ("expected a file name that ends in .safetensors or .params, found '" + (folder / "x.npz") +
       "'; choose one of these: .npz is written from Python only")
          .c_str(),
      ArgumentError);
  CHECK(folder.entries() == 0);

  StoredArrays list;
  list.named = false;
  list.arrays.emplace_back("0", Tensor({1}));
  write_arrays(folder / "list", list);
  CHECK_THROWS_AS(load_parameters(*mlp(), folder / "list"), ArgumentError);
  for (const char* const bytes : {"", "PK\3\4", "no such file", "12345678["}) {
    write_file(folder / "x", bytes);
    CHECK_THROWS_AS(read_arrays(folder / "x"), FileFormatError);
  }
}

TEST_CASE("a safetensors header of 274 bytes is not taken for MXNet's first number") {
  std::string header = "{\"__metadata__\":{\"k\":\"";
  header += std::string(274 - header.size() - 3, 'x') + "\"}}";
  REQUIRE(header.size() == 0x112);
  const TemporaryFolder folder;
  write_file(folder / "x", glueball::testing::bytes_of(std::uint64_t{0x112}) + header);

  CHECK(read_arrays(folder / "x").metadata.size() == 1);
}

TEST_CASE("parameters are stored by name too, and a net takes such a file") {
  const TemporaryFolder folder;
  for (const std::string ending : {".safetensors", ".params"}) {
    CAPTURE(ending);
    const std::string path = folder / ("named" + ending);
    const auto net = trained(1);
    save_parameters(ParameterList(*net), path);
    std::vector<std::string> names;
    for (const StoredArray& array : read_arrays(path).arrays) names.push_back(array.name());
    CHECK(std::count(names.begin(), names.end(), "dense0_weight") == 1);

    const auto other = trained(2);
    load_parameters(*other, path);
    CHECK(values_of(*other) == values_of(*net));

    // A file by path serves a list as well.
    const auto third = trained(3);
    save_parameters(*net, path);
    load_parameters(ParameterList(*third), path);
    CHECK(values_of(*third) == values_of(*net));
  }
}

TEST_CASE("a selection by regular expression is saved and loaded alone") {
  const TemporaryFolder folder;
  const std::string path = folder / "some.safetensors";
  const auto net = trained(1);
  const auto other = trained(2);
  const ParameterList all(*other);
  const std::string before = values_of(*other);

  save_parameters(ParameterList(*net).select("dense1_.*"), path);
  CHECK(read_arrays(path).arrays.size() == 2);
  CHECK_THROWS_WITH_AS(load_parameters(*other, path),
                       doctest::Contains("expected Parameter 'dense0_weight' in file"),
                       ArgumentError);
  CHECK(values_of(*other) == before);

  load_parameters(all.select("dense1_.*"), path);
  const ParameterList source(*net);
  for (const std::string name : {"dense1_weight", "dense1_bias"}) {
    CHECK(all[name]->values().data<float>()[0] == source[name]->values().data<float>()[0]);
  }
  CHECK(all["dense0_weight"]->values().data<float>()[0] !=
        source["dense0_weight"]->values().data<float>()[0]);

  // Out of a file that has more.
  const std::string whole = folder / "all.safetensors";
  save_parameters(source, whole);
  CHECK_THROWS_AS(load_parameters(all.select("dense0_.*"), whole), ArgumentError);
  LoadOptions options;
  options.ignore_extra = true;
  load_parameters(all.select("dense0_.*"), whole, options);
  CHECK(values_of(*other) == values_of(*net));
}

TEST_CASE("a file by name serves a net built alike, whatever the names begin with and count") {
  const TemporaryFolder folder;
  const std::string path = folder / "x.params";
  const auto net_of = [](const std::string& name, int first) {
    auto net = std::make_shared<Sequential>(name);
    for (int i = first; i < first + 3; ++i) {
      net->add(dense(name + "_dense" + std::to_string(i), 3, 3));
    }
    return net;
  };
  const auto loads = [&](const auto& name_of) {
    const auto source = net_of("a", 9);
    source->initialize(std::make_shared<Normal>(1.0), 3);
    StoredArrays contents;
    for (const auto& parameter : ParameterList(*source)) {
      contents.arrays.emplace_back(name_of(parameter->name()), parameter->values());
    }
    std::ranges::sort(contents.arrays, {}, &StoredArray::name);  // dense10 comes before dense9
    write_arrays(path, contents);
    const auto target = net_of("b", 8);
    load_parameters(*target, path);
    return values_of(*target) == values_of(*source);
  };

  CHECK(loads([](const std::string& name) { return name; }));
  CHECK(loads([](const std::string& name) { return name.substr(2); }));
  // A selection's names are its own.
  CHECK_THROWS_AS(load_parameters(ParameterList(*net_of("b", 8)), path), ArgumentError);
}

TEST_CASE("two parameters of one name are not saved by name") {
  const TemporaryFolder folder;
  Sequential net("net");
  net.add(dense("dense", 3, 3));
  net.add(dense("dense", 3, 3));
  net.initialize(std::make_shared<Normal>(1.0), 1);

  CHECK_THROWS_WITH_AS(save_parameters(ParameterList(net), folder / "x.params"),
                       doctest::Contains("found two called 'dense_weight'"), ArgumentError);
}
