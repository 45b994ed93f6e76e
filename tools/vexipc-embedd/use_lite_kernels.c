// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#include "use_lite_kernels.h"

/*
 * Vectors of the width that the version's processor has: wider ones would compile,
 * but to something slow. The second of each kind is for memory, unaligned.
 */
typedef float v4 __attribute__((vector_size(16)));
typedef float v4_mem __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t v4i __attribute__((vector_size(16)));
typedef float v8 __attribute__((vector_size(32)));
typedef float v8_mem __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t v8i __attribute__((vector_size(32)));

#define LOAD(p) (*(const V_MEM *)(p))
#define STORE(p, v) (*(V_MEM *)(p) = (v))

/* Comparing gives all ones or all zeros for each float. */
#define AT_LEAST(x, limit) ({								\
	const V a_ = (x), limit_ = (V){ 0 } + (limit);				\
	const VI keep_ = a_ > limit_;							\
											\
	(V)(((VI)a_ & keep_) | ((VI)limit_ & ~keep_));				\
})

/* exp of x <= 0, good to 2 units in the last place; below -87 as good as 0. */
#define EXP(x) ({									\
	const V magic = (V){ 0 } + 12582912.0f;	/* adding it rounds to integer */ \
	V v_ = AT_LEAST(x, -87.0f);							\
	V n_, r_, y_;									\
	VI bits_;									\
											\
	n_ = v_ * 1.44269504088896341f + magic;						\
	bits_ = (VI)n_ << 23;			/* n is in the low bits: 2^n */		\
	n_ -= magic;									\
	r_ = v_ - n_ * 0.693359375f;							\
	r_ -= n_ * -2.12194440e-4f;							\
	y_ = 1.9875691500e-4f * r_ + 1.3981999507e-3f;					\
	y_ = y_ * r_ + 8.3334519073e-3f;						\
	y_ = y_ * r_ + 4.1665795894e-2f;						\
	y_ = y_ * r_ + 1.6666665459e-1f;						\
	y_ = y_ * r_ + 5.0000001201e-1f;						\
	y_ = y_ * r_ * r_ + r_ + 1.0f;							\
	(V)((VI)y_ + bits_);								\
})

/* Rows of a tile: its accumulators, 16 floats each, must fit the registers. */
#define VERSION(name) name##_generic
#define TILE_ROWS 2
#define WIDTH 4
#define V v4
#define VI v4i
#define V_MEM v4_mem
#include "use_lite_kernels_version.h"

#ifdef __x86_64__
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#define VERSION(name) name##_avx2
#define TILE_ROWS 6
#define WIDTH 8
#define V v8
#define VI v8i
#define V_MEM v8_mem
#include "use_lite_kernels_version.h"
#pragma GCC pop_options
#endif

static const struct use_lite_kernels generic = {
	.name = "generic",
	.gemm = gemm_generic,
	.layer_norm = layer_norm_generic,
	.softmax = softmax_generic,
};

#ifdef __x86_64__
static const struct use_lite_kernels avx2 = {
	.name = "avx2",
	.gemm = gemm_avx2,
	.layer_norm = layer_norm_avx2,
	.softmax = softmax_avx2,
};

static const struct use_lite_kernels *find_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? &avx2 : NULL;
}

/*
 * QEMU without hardware virtualisation says that it has AVX2 and FMA, but works
 * their wide operations out in software: there the generic loops are several times
 * faster.
 */
static bool is_emulated(void)
{
	const unsigned int hypervisor_bit = 1U << 31, hypervisor_leaf = 0x40000000;
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & hypervisor_bit))
		return false;
	__cpuid(hypervisor_leaf, eax, ebx, ecx, edx);
	return !memcmp(&ebx, "TCGT", 4) && !memcmp(&ecx, "CGTC", 4) && !memcmp(&edx, "GTCG", 4);
}
#else
static const struct use_lite_kernels *find_avx2(void)
{
	return NULL;
}

static bool is_emulated(void)
{
	return false;
}
#endif

const struct use_lite_kernels *use_lite_kernels_find(const char *name)
{
	const struct use_lite_kernels *fast = find_avx2();

	if (!name || !strcmp(name, "auto"))
		return fast && !is_emulated() ? fast : &generic;
	if (!strcmp(name, "avx2"))
		return fast;
	return strcmp(name, generic.name) ? NULL : &generic;
}
