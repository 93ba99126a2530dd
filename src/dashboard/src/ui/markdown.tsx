import { type Token, type Tokens, lexer } from 'marked'
import type { ComponentChildren } from 'preact'

/** Addresses that a reader may follow; anything else is shown as text. */
export const isLink = (address: string) => /^(https?:|mailto:)/i.test(address)

export const Outside = ({ href, children }: { href: string; children: ComponentChildren }) => (
  <a href={href} target="_blank" rel="noopener noreferrer nofollow">
    {children}
  </a>
)

const Inline = ({ tokens, raw }: { tokens: Token[] | undefined; raw: string }) => (
  <>{tokens ? tokens.map((token, at) => <Node key={at} token={token} />) : raw}</>
)

function Node({ token }: { token: Token }): ComponentChildren {
  switch (token.type) {
    case 'space':
    case 'def':
      return null
    case 'heading': {
      const { depth, tokens, raw } = token as Tokens.Heading
      return (
        <p class="md-heading" role="heading" aria-level={Math.min(6, depth + 3)}>
          <Inline tokens={tokens} raw={raw} />
        </p>
      )
    }
    case 'paragraph':
      return (
        <p>
          <Inline tokens={(token as Tokens.Paragraph).tokens} raw={token.raw} />
        </p>
      )
    case 'code':
      return <Code text={(token as Tokens.Code).text} />
    case 'blockquote':
      return (
        <blockquote>
          <Inline tokens={(token as Tokens.Blockquote).tokens} raw={token.raw} />
        </blockquote>
      )
    case 'list': {
      const list = token as Tokens.List
      const items = list.items.map((item, at) => (
        <li key={at}>
          {item.task && <span aria-hidden="true">{item.checked ? '☑ ' : '☐ '}</span>}
          <Inline tokens={item.tokens} raw={item.raw} />
        </li>
      ))
      return list.ordered ? <ol start={list.start || 1}>{items}</ol> : <ul>{items}</ul>
    }
    case 'table': {
      const table = token as Tokens.Table
      return (
        <div class="table-scroll" tabIndex={0}>
          <table>
            <thead>
              <tr>
                {table.header.map((cell, at) => (
                  <th key={at}>
                    <Inline tokens={cell.tokens} raw={cell.text} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {table.rows.map((row, at) => (
                <tr key={at}>
                  {row.map((cell, at) => (
                    <td key={at}>
                      <Inline tokens={cell.tokens} raw={cell.text} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )
    }
    case 'hr':
      return <hr />
    case 'br':
      return <br />
    case 'strong':
      return (
        <strong>
          <Inline tokens={(token as Tokens.Strong).tokens} raw={token.raw} />
        </strong>
      )
    case 'em':
      return (
        <em>
          <Inline tokens={(token as Tokens.Em).tokens} raw={token.raw} />
        </em>
      )
    case 'del':
      return (
        <del>
          <Inline tokens={(token as Tokens.Del).tokens} raw={token.raw} />
        </del>
      )
    case 'codespan':
      return <code>{(token as Tokens.Codespan).text}</code>
    case 'link': {
      const { href, tokens, raw } = token as Tokens.Link
      const inner = <Inline tokens={tokens} raw={raw} />
      return isLink(href) ? <Outside href={href}>{inner}</Outside> : <>{raw}</>
    }
    case 'image': {
      // Never loaded: a picture would tell its server who reads.
      const { href, text, raw } = token as Tokens.Image
      return isLink(href) ? <Outside href={href}>{text || href}</Outside> : <>{raw}</>
    }
    case 'escape':
      return (token as Tokens.Escape).text
    case 'text': {
      const { tokens, text } = token as Tokens.Text
      return tokens ? <Inline tokens={tokens} raw={text} /> : text
    }
    default:
      // HTML among others: as it was written.
      return token.raw
  }
}

export const Code = ({ text }: { text: string }) => (
  <pre tabIndex={0}>
    <code>{text}</code>
  </pre>
)

/** Markdown, with everything that is HTML shown as text. */
export function Markdown({ text }: { text: string }) {
  return (
    <div class="markdown" dir="auto">
      {lexer(text).map((token, at) => (
        <Node key={at} token={token} />
      ))}
    </div>
  )
}
