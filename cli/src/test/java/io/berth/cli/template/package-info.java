/** Tests of rendering: words, tables, templates, documents. */
@NullMarked
package io.berth.cli.template;

import org.jspecify.annotations.NullMarked;
