// Google Benchmark over the nets of bench/cases.py, for each competitor and number of threads.
//
//   glueball_bench [NET ...] --benchmark_repetitions=20 --benchmark_enable_random_interleaving=true
//
// Names are "<net> <forward or train step>/<competitor>/<threads>". Before anything is timed the
// competitors' results are compared.
#include <benchmark/benchmark.h>
#include <glueball/parallel.h>
#include <glueball/version.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "competitors.h"

namespace bench {
namespace {

const std::vector<const Competitor*> competitors = {&glueball_competitor, &eigen_competitor};

constexpr int checked_steps = 3;
// Of norms, for the reasons that bench/reference.py gives.
constexpr double tolerance = 1e-4;
constexpr double trained_tolerance = 1e-3;

std::vector<float> result_after(const Run& run, int calls) {
  for (int i = 0; i < calls; ++i) run.call();
  return run.result();
}

// |a - b| / |a - start|, an empty start being 0.
double difference(const std::vector<float>& a, const std::vector<float>& b,
                  const std::vector<float>& start) {
  if (a.size() != b.size()) return INFINITY;
  double difference = 0;
  double change = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double from = start.empty() ? 0.0 : start[i];
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    change += (a[i] - from) * (a[i] - from);
  }
  return std::sqrt(difference / change);
}

bool agree(const Net& net) {
  const Competitor& first = *competitors.front();
  const std::vector<float> start = weight(net, 0);
  const std::vector<float> output = result_after(first.forward(net), 1);
  const std::vector<float> trained = result_after(first.train(net, checked_rate), checked_steps);
  for (const Competitor* other : competitors) {
    if (other == &first) continue;
    const double forward = difference(output, result_after(other->forward(net), 1), {});
    const double train =
        difference(trained, result_after(other->train(net, checked_rate), checked_steps), start);
    if (!(forward <= tolerance && train <= trained_tolerance)) {
      std::fprintf(stderr,
                   "expected %s to compute '%s' as %s does, found results %.2g (forward) and %.2g "
                   "(trained) apart; correct one of them\n",
                   other->name, net.name.c_str(), first.name, forward, train);
      return false;
    }
  }
  return true;
}

// Preparing belongs to the one benchmark that runs: 'big' of every competitor at once is 1 GB.
template <class Prepare>
void add(const std::string& what, const Competitor* competitor, int threads, Prepare prepare) {
  const std::string name = what + "/" + competitor->name + "/" + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    if (!competitor->set_threads(threads)) {
      state.SkipWithError("can't run on so many threads");
      return;
    }
    const Run run = prepare();
    run.call();
    for (auto _ : state) run.call();
  })->UseRealTime();
}

// The nets named by arguments; all but the one for tests if none is.
std::vector<Net> chosen(int count, char** names) {
  std::vector<Net> found;
  for (const Net& net : nets()) {
    if (count == 0 ? net.name != "tiny"
                   : std::find(names, names + count, net.name) != names + count) {
      found.push_back(net);
    }
  }
  return found;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);  // takes its own arguments away
  benchmark::AddCustomContext("glueball", glueball::version());
  benchmark::AddCustomContext("instruction_set", glueball::instruction_set());

  const std::vector<bench::Net> nets = bench::chosen(argc - 1, argv + 1);
  if (nets.empty() || (argc > 1 && nets.size() != static_cast<std::size_t>(argc - 1))) {
    std::fprintf(stderr, "expected names of nets (nets.h), found others; correct the arguments\n");
    return 2;
  }
  const int most = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  for (const bench::Net& net : nets) {
    if (!bench::agree(net)) return 1;
    for (int threads = 1; threads <= most; ++threads) {
      for (const bench::Competitor* each : bench::competitors) {
        bench::add(net.name + " forward", each, threads, [=] { return each->forward(net); });
        bench::add(net.name + " train step", each, threads,
                   [=] { return each->train(net, bench::timed_rate); });
      }
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
