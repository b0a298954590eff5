#pragma once

// Rows of numbers, one row a line, separated by commas.

#include <glueball/error.h>
#include <glueball/tensor.h>

#include <cstdint>
#include <cstdlib>
#include <istream>
#include <string>
#include <vector>

/// Rows of equal length, one after the other.
struct Table {
  std::vector<float> numbers;
  std::int64_t columns = 0;

  std::int64_t rows() const {
    return columns == 0 ? 0 : static_cast<std::int64_t>(numbers.size()) / columns;
  }
};

/// Appends the numbers of one line to the table, whose first line says how many a row has.
///
/// @throws glueball::InputError for text that is not a number, and for a row of another length.
inline void append_row(Table& table, const std::string& line) {
  const std::string place = "line " + std::to_string(table.rows() + 1) + ", '" + line + "'";
  std::int64_t found = 0;
  const char* text = line.c_str();
  while (true) {
    char* end = nullptr;
    const float number = std::strtof(text, &end);
    if (end == text || (*end != ',' && *end != '\0' && *end != '\r')) {
      throw glueball::InputError({"numbers separated by commas", place, "correct the line"});
    }
    table.numbers.push_back(number);
    ++found;
    if (*end != ',') break;
    text = end + 1;
  }
  if (table.columns == 0) table.columns = found;
  if (found != table.columns) {
    throw glueball::InputError({"rows of " + std::to_string(table.columns) + " numbers", place,
                                "give all rows one length"});
  }
}

/// All lines of a stream.
inline Table read_table(std::istream& stream) {
  Table table;
  for (std::string line; std::getline(stream, line);) append_row(table, line);
  return table;
}
