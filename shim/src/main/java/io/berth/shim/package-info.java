/**
 * The program {@code berth-shim}: a shim process, which hosts the shims of many containers. It owns
 * no state and is the parent of no other process; when it is killed, at whatever instant, another
 * one adopts its containers.
 */
@NullMarked
package io.berth.shim;

import org.jspecify.annotations.NullMarked;
