// Tensors from nothing. The default element type is float32.
#pragma once

#include <optional>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

/// Each element is `value`. From 4 MB on that is a single number until its elements are asked for.
Tensor full(const Shape& shape, double value, DType dtype = float32);
Tensor zeros(const Shape& shape, DType dtype = float32);
Tensor ones(const Shape& shape, DType dtype = float32);
/// Like another tensor in shape and, unless another is given, element type, without its place on
/// the tape.
Tensor full_like(const Tensor& like, double value, std::optional<DType> dtype = {},
                 Location where = {});
Tensor zeros_like(const Tensor& like, std::optional<DType> dtype = {}, Location where = {});
Tensor ones_like(const Tensor& like, std::optional<DType> dtype = {}, Location where = {});
/// The same with uninitialised elements.
Tensor empty_like(const Tensor& like, std::optional<DType> dtype = {}, Location where = {});
/// start, start + step, ... before stop, as PyTorch's arange. Throws ValueError for a step of 0 and
/// for more numbers than can be counted.
Tensor arange(double start, double stop, double step = 1, DType dtype = float32,
              Location where = {});
/// 0, 1, ... before stop.
Tensor arange(double stop, DType dtype = float32, Location where = {});
/// `count` numbers from start to stop, both included. Throws ValueError for a negative count.
Tensor linspace(double start, double stop, std::int64_t count, DType dtype = float32,
                Location where = {});
/// The n by n identity. Throws ShapeError for a negative n.
Tensor eye(std::int64_t n, DType dtype = float32, Location where = {});
/// n by m with 1 on the main diagonal. Throws ShapeError for a negative size.
Tensor eye(std::int64_t n, std::int64_t m, DType dtype = float32, Location where = {});

}  // namespace xtape
