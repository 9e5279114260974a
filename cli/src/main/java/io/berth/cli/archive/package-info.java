/**
 * Trees of files on this side of the sockets. One of this machine becomes a stream, and a stream
 * from a container, which is not to be trusted, becomes files below one folder and nowhere else.
 * The archive itself is read and written by {@link io.berth.base.tar}.
 */
@NullMarked
package io.berth.cli.archive;

import org.jspecify.annotations.NullMarked;
