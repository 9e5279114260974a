/**
 * Files that other processes read at any moment, which are replaced as a whole or mapped; locks on
 * folders; and folders that are closed to other users and removed with care.
 */
@NullMarked
package io.berth.base.io;

import org.jspecify.annotations.NullMarked;
