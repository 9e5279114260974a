/**
 * Images as archives: OCI layouts and docker's own format are loaded in one pass over a stream,
 * with constant memory, and saved so that either kind of reader understands them.
 */
@NullMarked
package io.berth.image.archive;

import org.jspecify.annotations.NullMarked;
