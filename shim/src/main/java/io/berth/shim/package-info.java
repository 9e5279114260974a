/**
 * The program {@code berth-shim}: a process that hosts shims. It owns no state and is the parent of
 * nobody; killed at any instant, another adopts its containers.
 */
@NullMarked
package io.berth.shim;

import org.jspecify.annotations.NullMarked;
