// A formula is read on lanes: a Lane<double> is one number, a Lane<xsimd::batch<float>> as many as
// a register holds. Formulas never see bare C++ numbers, on which abs() may mean the integer one.
#pragma once

#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <xsimd/xsimd.hpp>

namespace xtape {

/// The instruction set of the registers. The integer selects of xsimd 8.1 for AVX-512 BW do not
/// compile, and logarithms need them; AVX-512 DQ is the same for float and double.
using Architecture = std::conditional_t<std::is_same_v<xsimd::default_arch, xsimd::avx512bw>,
                                        xsimd::avx512dq, xsimd::default_arch>;

/// What one instruction works on: a SIMD register of floats or doubles, or a single integer.
template <class T>
struct RegisterOf {
  using type = xsimd::batch<T, Architecture>;
};
template <>
struct RegisterOf<std::int64_t> {
  using type = std::int64_t;
};
template <class T>
using Register = typename RegisterOf<T>::type;

template <class V>
struct LaneTraits {
  using Element = V;
  using Mask = bool;
  static constexpr int width = 1;
  static V load(const V* from) { return *from; }
  static void store(V* to, V v) { *to = v; }
  static void stream(V* to, V v) { *to = v; }
  static Mask less(V a, V b) { return a < b; }
  static Mask less_equal(V a, V b) { return a <= b; }
  static Mask equal(V a, V b) { return a == b; }
  static V select(Mask mask, V a, V b) { return mask ? a : b; }
  static bool all(Mask mask) { return mask; }
  static V negative(V v) { return -v; }
};

/// Comparisons of registers, and selections by their outcome.
template <class V>
struct Comparisons {
  using Mask = typename V::batch_bool_type;
  static Mask less(const V& a, const V& b) { return a < b; }
  static Mask less_equal(const V& a, const V& b) { return a <= b; }
  static Mask equal(const V& a, const V& b) { return a == b; }
  static V select(const Mask& mask, const V& a, const V& b) { return xsimd::select(mask, a, b); }
  static bool all(const Mask& mask) { return xsimd::all(mask); }
};
#if defined(__AVX2__) && !defined(__clang__)
// g++ 12 does not know that a comparison by AVX's instructions sets all bits of an element or none,
// and compares its outcome with 0 before each selection; of comparisons of its own vectors it does.
template <class V>
requires(sizeof(V) == 32) struct Comparisons<V> {
  using Mask = decltype(V().data < V().data);
  static Mask less(const V& a, const V& b) { return a.data < b.data; }
  static Mask less_equal(const V& a, const V& b) { return a.data <= b.data; }
  static Mask equal(const V& a, const V& b) { return a.data == b.data; }
  static V select(const Mask& mask, const V& a, const V& b) { return V(mask ? a.data : b.data); }
  static bool all(const Mask& mask) {
    return xsimd::all(typename V::batch_bool_type(std::bit_cast<decltype(V::data)>(mask)));
  }
};
#endif

/// The first elements of a register of floats, where these can be loaded and stored without
/// touching those behind them.
template <class V>
struct FirstElements {
  static constexpr bool has_first = false;
};
#if defined(__AVX512F__)
template <class A>
requires(sizeof(xsimd::batch<float, A>) == 64) struct FirstElements<xsimd::batch<float, A>> {
  static constexpr bool has_first = true;
  using V = xsimd::batch<float, A>;
  using First = __mmask16;
  static First first(int count) { return static_cast<First>((1u << count) - 1); }
  /// Those elements, and the `others` behind them.
  static V load_first(First first, const float* from, const V& others) {
    return V(_mm512_mask_loadu_ps(others, first, from));
  }
  static void store_first(First first, float* to, const V& v) {
    _mm512_mask_storeu_ps(to, first, v);
  }
  static V select_first(First first, const V& v, const V& others) {
    return V(_mm512_mask_blend_ps(first, others, v));
  }
};
#endif
#if defined(__AVX2__)
template <class A>
requires(sizeof(xsimd::batch<float, A>) == 32) struct FirstElements<xsimd::batch<float, A>> {
  static constexpr bool has_first = true;
  using V = xsimd::batch<float, A>;
  using First = __m256i;
  static First first(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static V load_first(const First& first, const float* from, const V& others) {
    return select_first(first, V(_mm256_maskload_ps(from, first)), others);
  }
  static void store_first(const First& first, float* to, const V& v) {
    _mm256_maskstore_ps(to, first, v);
  }
  static V select_first(const First& first, const V& v, const V& others) {
    return V(_mm256_blendv_ps(others, v, _mm256_castsi256_ps(first)));
  }
};
#endif

template <class T, class A>
struct LaneTraits<xsimd::batch<T, A>> : Comparisons<xsimd::batch<T, A>>,
                                        FirstElements<xsimd::batch<T, A>> {
  using V = xsimd::batch<T, A>;
  using Element = T;
  static constexpr int width = static_cast<int>(V::size);
  static V load(const T* from) { return V::load_unaligned(from); }
  static void store(T* to, const V& v) { v.store_unaligned(to); }
  /// To memory past the caches, where `to` is a multiple of the register's size. Other threads see
  /// it after end_streams().
  static void stream(T* to, const V& v) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64)
      return _mm512_stream_si512(reinterpret_cast<__m512i*>(to), std::bit_cast<__m512i>(v.data));
#endif
#if defined(__AVX__)
    if constexpr (sizeof(V) == 32)
      return _mm256_stream_si256(reinterpret_cast<__m256i*>(to), std::bit_cast<__m256i>(v.data));
#endif
#if defined(__SSE2__)
    if constexpr (sizeof(V) == 16)
      return _mm_stream_si128(reinterpret_cast<__m128i*>(to), std::bit_cast<__m128i>(v.data));
#endif
    v.store_aligned(to);
  }
  static V negative(const V& v) { return V(Element(-0.0)) - v; }
};

/// Lets other threads see what LaneTraits::stream() wrote.
inline void end_streams() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

template <class V>
struct Lane;

/// The outcome of a comparison of lanes.
template <class V>
struct Condition {
  using Mask = typename LaneTraits<V>::Mask;
  Mask mask;

  friend Condition operator!(const Condition& a) { return {!a.mask}; }
  friend Condition operator&&(const Condition& a, const Condition& b) { return {a.mask && b.mask}; }
  friend Condition operator||(const Condition& a, const Condition& b) { return {a.mask || b.mask}; }
  /// A formula computes both branches: this explains why it does not compile.
  template <class Never = V>
  explicit operator bool() const {
    static_assert(!sizeof(Never*),
                  "in a formula, where(condition, a, b) takes the place of if, ? : and while");
    return false;
  }
  /// Whether it holds in every element.
  friend bool all(const Condition& c) { return LaneTraits<V>::all(c.mask); }
  /// a where the condition holds, b elsewhere.
  friend Lane<V> where(const Condition& c, const Lane<V>& a, const Lane<V>& b) {
    return LaneTraits<V>::select(c.mask, a.v, b.v);
  }
};

template <class V>
struct Lane {
  using Traits = LaneTraits<V>;
  using Element = typename Traits::Element;
  V v;

  Lane() = default;
  Lane(const V& v) : v(v) {}
  template <class N>
  requires(std::is_arithmetic_v<N> && !std::is_same_v<N, V>) Lane(N number)
      : v(static_cast<Element>(number)) {}

  friend Lane operator+(const Lane& a, const Lane& b) { return Lane(V(a.v + b.v)); }
  friend Lane operator-(const Lane& a, const Lane& b) { return Lane(V(a.v - b.v)); }
  friend Lane operator*(const Lane& a, const Lane& b) { return Lane(V(a.v * b.v)); }
  friend Lane operator/(const Lane& a, const Lane& b) { return Lane(V(a.v / b.v)); }
  // not xsimd's, which makes 0 of 0 and not -0
  friend Lane operator-(const Lane& a) { return Traits::negative(a.v); }
  friend Condition<V> operator<(const Lane& a, const Lane& b) { return {Traits::less(a.v, b.v)}; }
  friend Condition<V> operator<=(const Lane& a, const Lane& b) {
    return {Traits::less_equal(a.v, b.v)};
  }
  friend Condition<V> operator>(const Lane& a, const Lane& b) { return b < a; }
  friend Condition<V> operator>=(const Lane& a, const Lane& b) { return b <= a; }
  friend Condition<V> operator==(const Lane& a, const Lane& b) { return {Traits::equal(a.v, b.v)}; }
  // not xsimd's !=, which says that NaN equals NaN
  friend Condition<V> operator!=(const Lane& a, const Lane& b) { return !(a == b); }
};

/// f of every element of some registers, for what xsimd does not compute accurately.
template <class F, class V, class... W>
V map_elements(F f, const V& v, const W&... w) {
  using Traits = LaneTraits<V>;
  typename Traits::Element out[Traits::width], in[1 + sizeof...(W)][Traits::width];
  int row = 0;
  Traits::store(in[row++], v);
  (Traits::store(in[row++], w), ...);
  for (int i = 0; i < Traits::width; ++i)
    out[i] = [&]<std::size_t... I>(std::index_sequence<I...>) { return f(in[I][i]...); }
  (std::make_index_sequence<1 + sizeof...(W)>());
  return Traits::load(out);
}

namespace detail {

/// A function of the standard library of every element of some lanes.
template <class F, class X, class... Y>
X by_elements(F f, const X& x, const Y&... y) {
  return X(map_elements(f, x.v, y.v...));
}

}  // namespace detail

template <class X>
inline constexpr bool is_lane = false;
template <class V>
inline constexpr bool is_lane<Lane<V>> = true;

}  // namespace xtape
