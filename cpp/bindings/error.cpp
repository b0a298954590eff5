#include "glueball/error.h"

#include <pybind11/pybind11.h>

#include <cerrno>
#include <exception>
#include <map>
#include <string>

#include "bindings.h"

namespace glueball::bindings {
namespace {

// Python's classes of our errors, by C++ class name. Filled once, at import of glueball.base, and
// never freed: an exception may be on its way while the process ends.
std::map<std::string, PyObject*>& error_classes() {
  static auto* const classes = new std::map<std::string, PyObject*>();
  return *classes;
}

void raise(const char* name, const std::exception& error) {
  const auto found = error_classes().find(name);
  PyErr_SetString(found == error_classes().end() ? PyExc_RuntimeError : found->second,
                  error.what());
}

/// As an OSError: (errno, message, file name), of the class that Python has for the errno.
void raise(const FileAccessError& error) {
  const char* name = "FileAccessError";
  if (error.code() == ENOENT) name = "MissingFileError";
  if (error.code() == EISDIR) name = "FolderError";
  if (error.code() == EACCES || error.code() == EPERM) name = "FilePermissionError";
  const auto found = error_classes().find(name);
  const auto path = py::reinterpret_steal<py::object>(PyUnicode_DecodeFSDefaultAndSize(
      error.path().data(), static_cast<py::ssize_t>(error.path().size())));
  if (!path) return;  // with the error of decoding
  PyErr_SetObject(found == error_classes().end() ? PyExc_OSError : found->second,
                  py::make_tuple(error.code(), error.what(), path).ptr());
}

// Most derived first; Error itself, last, catches what is added later.
void translate(std::exception_ptr thrown) {
  if (!thrown) return;
  try {
    std::rethrow_exception(thrown);
  } catch (const ShapeError& error) {
    raise("ShapeError", error);
  } catch (const ArgumentError& error) {
    raise("ArgumentError", error);
  } catch (const TypeError& error) {
    raise("TypeError", error);
  } catch (const DtypeError& error) {
    raise("DtypeError", error);
  } catch (const InputError& error) {
    raise("InputError", error);
  } catch (const IndexError& error) {
    raise("IndexError", error);
  } catch (const UninitializedError& error) {
    raise("UninitializedError", error);
  } catch (const DeferredInitializationError& error) {
    raise("DeferredInitializationError", error);
  } catch (const NoGradientError& error) {
    raise("NoGradientError", error);
  } catch (const FileAccessError& error) {
    raise(error);
  } catch (const FileFormatError& error) {
    raise("FileFormatError", error);
  } catch (const Error& error) {
    raise("Error", error);
  }
}

}  // namespace

PyObject* refuse_arguments(const char* function, Py_ssize_t expected, Py_ssize_t found,
                           bool has_keywords) {
  const auto type = error_classes().find("TypeError");
  PyObject* const error = type == error_classes().end() ? PyExc_TypeError : type->second;
  if (has_keywords) return PyErr_Format(error, "%s() takes no keyword arguments", function);
  return PyErr_Format(error, "%s() takes exactly %zd argument%s (%zd given)", function, expected,
                      expected == 1 ? "" : "s", found);
}

void bind_error(py::module_& m) {
  py::register_exception_translator(translate);
  m.def(
      "register_errors",
      [](const py::kwargs& classes) {
        for (const auto& [name, type] : classes) {
          error_classes()[name.cast<std::string>()] =
              py::reinterpret_borrow<py::object>(type).release().ptr();
        }
      },
      "Tells the extension which Python class stands for each of its own errors.");
}

}  // namespace glueball::bindings
