// Convolutions, pooling and sampling of images.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

ConvOptions conv(const Call& c) {
  const Padding padding = c.kwargs.at("padding").is_string() ? Padding(c.text("padding"))
                                                             : Padding(c.integers("padding"));
  return {c.integers("stride"), padding, c.integers("dilation"), c.integer("groups", 1)};
}
ConvTransposeOptions transposed(const Call& c) {
  return {c.integers("stride"), c.integers("padding"), c.integers("output_padding"),
          c.integer("groups", 1), c.integers("dilation")};
}
MaxPoolOptions max_pool(const Call& c) {
  return {c.integers("stride"), c.integers("padding"), c.integers("dilation"), c.flag("ceil_mode")};
}
AvgPoolOptions avg_pool(const Call& c) {
  return {c.integers("stride"), c.integers("padding"), c.flag("ceil_mode"),
          c.flag("count_include_pad", true), c.integer("divisor_override", 0)};
}
UnfoldOptions unfold(const Call& c) {
  return {c.integers("dilation"), c.integers("padding"), c.integers("stride")};
}
Outputs maxima(const Call& c, const Pooled& pooled) {
  return c.flag("return_indices") ? Tensors{pooled.values, pooled.indices} : Tensors{pooled.values};
}

const Bindings table{
    {"conv1d", [](const Call& c) { return conv1d(c.in(0), c.in(1), c.in(2), conv(c)); }},
    {"conv2d", [](const Call& c) { return conv2d(c.in(0), c.in(1), c.in(2), conv(c)); }},
    {"conv3d", [](const Call& c) { return conv3d(c.in(0), c.in(1), c.in(2), conv(c)); }},
    {"conv_transpose1d",
     [](const Call& c) { return conv_transpose1d(c.in(0), c.in(1), c.in(2), transposed(c)); }},
    {"conv_transpose2d",
     [](const Call& c) { return conv_transpose2d(c.in(0), c.in(1), c.in(2), transposed(c)); }},
    {"conv_transpose3d",
     [](const Call& c) { return conv_transpose3d(c.in(0), c.in(1), c.in(2), transposed(c)); }},
    {"max_pool1d",
     [](const Call& c) {
       return maxima(c, max_pool1d_with_indices(c.in(0), c.integers("kernel_size"), max_pool(c)));
     }},
    {"max_pool2d",
     [](const Call& c) {
       return maxima(c, max_pool2d_with_indices(c.in(0), c.integers("kernel_size"), max_pool(c)));
     }},
    {"max_pool3d",
     [](const Call& c) {
       return maxima(c, max_pool3d_with_indices(c.in(0), c.integers("kernel_size"), max_pool(c)));
     }},
    {"avg_pool1d",
     [](const Call& c) { return avg_pool1d(c.in(0), c.integers("kernel_size"), avg_pool(c)); }},
    {"avg_pool2d",
     [](const Call& c) { return avg_pool2d(c.in(0), c.integers("kernel_size"), avg_pool(c)); }},
    {"avg_pool3d",
     [](const Call& c) { return avg_pool3d(c.in(0), c.integers("kernel_size"), avg_pool(c)); }},
    {"adaptive_avg_pool1d",
     [](const Call& c) { return adaptive_avg_pool1d(c.in(0), c.integers("output_size")); }},
    {"adaptive_avg_pool2d",
     [](const Call& c) { return adaptive_avg_pool2d(c.in(0), c.integers("output_size")); }},
    {"adaptive_max_pool1d",
     [](const Call& c) { return adaptive_max_pool1d(c.in(0), c.integers("output_size")); }},
    {"adaptive_max_pool2d",
     [](const Call& c) { return adaptive_max_pool2d(c.in(0), c.integers("output_size")); }},
    {"lp_pool1d",
     [](const Call& c) {
       return lp_pool1d(c.in(0), c.number("norm_type"), c.integers("kernel_size"),
                        {c.integers("stride"), c.flag("ceil_mode")});
     }},
    {"lp_pool2d",
     [](const Call& c) {
       return lp_pool2d(c.in(0), c.number("norm_type"), c.integers("kernel_size"),
                        {c.integers("stride"), c.flag("ceil_mode")});
     }},
    {"unfold",
     [](const Call& c) { return xtape::unfold(c.in(0), c.integers("kernel_size"), unfold(c)); }},
    {"fold",
     [](const Call& c) {
       return fold(c.in(0), c.integers("output_size"), c.integers("kernel_size"), unfold(c));
     }},
    {"pixel_shuffle", [](const Call& c) { return pixel_shuffle(c.in(0), c.integer("r")); }},
    {"pixel_unshuffle", [](const Call& c) { return pixel_unshuffle(c.in(0), c.integer("r")); }},
    {"upsample_nearest2d",
     [](const Call& c) { return interpolate(c.in(0), {.scale_factor = c.number("scale")}); }},
    {"upsample_bilinear2d",
     [](const Call& c) {
       return interpolate(c.in(0), {.size = c.integers("size"),
                                    .mode = "bilinear",
                                    .align_corners = c.flag("align_corners")});
     }},
    {"grid_sample",
     [](const Call& c) {
       const std::string mode = c.text("mode", "bilinear");
       const std::string padding = c.text("padding_mode", "zeros");
       return grid_sample(c.in(0), c.in(1), {mode, padding, c.flag("align_corners")});
     }},
    {"affine_grid",
     [](const Call& c) { return affine_grid(c.in(0), c.shape("size"), c.flag("align_corners")); }},
};

}  // namespace

}  // namespace conformance
