/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _VEXIPC_USERCOPY_H
#define _VEXIPC_USERCOPY_H

#include <linux/types.h>
#include <linux/uaccess.h>

/*
 * Structs of some ten words, on the fast path: a word at a time is done before the
 * string instructions of the general copy have begun, and nothing is to be found
 * out about where they lie.
 */

/**
 * vexipc_words_from_user() - copy a struct of whole words
 * @to: in the caller's frame
 * @from: where the user has it
 * @size: a multiple of 8
 *
 * Return: 0, -EFAULT.
 */
static __always_inline int vexipc_words_from_user(void *to, const void __user *from, size_t size)
{
	const u64 __user *word = from;
	u64 *at = to;

	if (!user_access_begin(from, size))
		return -EFAULT;
	for (size_t i = 0; i < size / sizeof(*at); i++)
		unsafe_get_user(at[i], &word[i], fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

/* vexipc_words_to_user() - the other way */
static __always_inline int vexipc_words_to_user(void __user *to, const void *from, size_t size)
{
	u64 __user *word = to;
	const u64 *at = from;

	if (!user_access_begin(to, size))
		return -EFAULT;
	for (size_t i = 0; i < size / sizeof(*at); i++)
		unsafe_put_user(at[i], &word[i], fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

#endif
